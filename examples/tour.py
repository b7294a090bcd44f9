"""A first tour: tables from a schema, a branch, a comparison, a rollback, a refusal.

Run it with `python examples/tour.py`; it works on a database in memory and leaves nothing behind.
"""

from __future__ import annotations

from typing import Any

import lix_vtab

TASK: dict[str, Any] = {
    "x-lix-key": "task",
    "x-lix-version": "1",
    "x-lix-primary-key": ["/id"],
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "title": {"type": "string"},
        "done": {"type": "boolean"},
    },
    "required": ["id", "title", "done"],
    "additionalProperties": False,
}

BOTH_SIDES = """
    SELECT version.name AS version, task.id, task.title, task.done
    FROM task_by_version AS task JOIN lix_version AS version ON version.id = task.lixcol_version_id
    ORDER BY task.id, version.name
"""


def main() -> None:
    """Walk through the life of two rows."""
    with lix_vtab.open() as lix:
        step("A JSON Schema becomes tables; what is written is validated and committed.")
        lix.register_schema(TASK)
        lix.execute(
            "INSERT INTO task (id, title, done)"
            " VALUES ('t1', 'Write the tour', FALSE), ('t2', 'Read the tour', FALSE)"
        )
        show(lix, "SELECT id, title, done FROM task ORDER BY id")

        step("A version is a branch. Change it; the other one stays as it was.")
        lix.create_version("review")
        lix.switch_version("review")
        lix.execute("UPDATE task SET done = TRUE WHERE id = 't1'")
        lix.execute("DELETE FROM task WHERE id = 't2'")
        show(lix, BOTH_SIDES)

        step("A transaction that fails leaves nothing, and says why it failed.")
        try:
            with lix.transaction() as transaction:
                transaction.execute("UPDATE task SET title = 'Half done'")
                transaction.execute("INSERT INTO task (id, done) VALUES ('t3', FALSE)")
        except lix_vtab.LixError as error:
            print(f"  {error}")
        show(lix, "SELECT id, title, done FROM task ORDER BY id")

        step("Everything stored agrees with the log of changes.")
        print(f"  problems found: {len(lix.check())}")


def step(title: str) -> None:
    """Announce what comes next."""
    print(f"\n{title}")


def show(lix: lix_vtab.Lix, sql: str) -> None:
    """Print the rows of a query in columns."""
    result = lix.execute(sql)
    lines = [result.columns, *(tuple(map(str, row)) for row in result)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  " + "  ".join(map(str.ljust, line, widths)).rstrip())


if __name__ == "__main__":
    main()
