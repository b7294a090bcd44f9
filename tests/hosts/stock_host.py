"""Python's own sqlite3 with lix loaded, at the other end of two pipes. Runs without lix_vtab.

Takes pickled `(verb, arguments)` and answers `("done", result)` or
`("failed", class, message, code)`. Connections have numbers.
"""

import pickle
import sqlite3
import sys

EXTENSION = sys.argv[1]
CONNECTIONS = {}


def open_database(number, path):
    connection = sqlite3.connect(path, isolation_level=None, timeout=10)
    connection.enable_load_extension(True)
    connection.load_extension(EXTENSION)
    CONNECTIONS[number] = connection


def execute(number, sql, params):
    connection = CONNECTIONS[number]
    cursor = connection.execute(sql, params)
    columns = tuple(column[0] for column in cursor.description or ())
    rows = cursor.fetchall()
    counted = connection.execute("SELECT changes()").fetchone()[0]
    return rows, columns, counted


VERBS = {
    "open": open_database,
    "execute": execute,
    "in_transaction": lambda number: CONNECTIONS[number].in_transaction,
    "close": lambda number: CONNECTIONS.pop(number).close(),
}


def serve(take, give):
    while True:
        try:
            verb, arguments = pickle.load(take)
        except EOFError:
            return
        try:
            answer = ("done", VERBS[verb](*arguments))
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", None)
            answer = ("failed", type(error).__name__, str(error), code)
        pickle.dump(answer, give)
        give.flush()


serve(sys.stdin.buffer, sys.stdout.buffer)
