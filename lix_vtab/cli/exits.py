"""Exit codes: what kind of trouble ended a command.

| code | meaning |
|---|---|
| 0 | done |
| 1 | the answer is no: `lix diff --exit-code` found differences |
| 10 | input: what was asked for is wrong, unknown or refused by a rule |
| 20 | state: not possible now, such as undoing when nothing is left to undo |
| 30 | configuration: no database, no lix in it, a newer format |
| 40 | a plugin failed |
| 50 | storage: damaged, unreadable, full, locked by somebody else |
| 240 | somebody has to decide: a conflict |
| 250 | interrupted |
| 255 | a defect of lix itself |
"""

from __future__ import annotations

__all__ = [
    "CONFIGURATION",
    "DECISION",
    "DEFECT",
    "DONE",
    "INPUT",
    "INTERRUPTED",
    "NO",
    "PLUGIN",
    "STATE",
    "STORAGE",
    "exit_code",
]

DONE = 0
NO = 1
INPUT = 10
STATE = 20
CONFIGURATION = 30
PLUGIN = 40
STORAGE = 50
DECISION = 240
INTERRUPTED = 250
DEFECT = 255

_BY_CLASS = {
    "TransactionStateError": STATE,
    "VersionError": STATE,
    "NothingToUndo": STATE,
    "NothingToRedo": STATE,
    "ClosedError": STATE,
    "NotInitializedError": CONFIGURATION,
    "FormatError": CONFIGURATION,
    "LoadableError": CONFIGURATION,
    "PluginError": PLUGIN,
    "CorruptError": STORAGE,
    "EngineError": STORAGE,
    "BusyError": STORAGE,
    "MergeConflictError": DECISION,
    "Interrupted": INTERRUPTED,
    "KeyboardInterrupt": INTERRUPTED,
    "LixError": INPUT,
    # apsw's own classes, for what does not pass through our error tree
    "SQLError": INPUT,
    "ConstraintError": INPUT,
    "InterruptError": INTERRUPTED,
    "Error": STORAGE,
    "OSError": STORAGE,
}


def exit_code(error: BaseException) -> int:
    """Return the exit code of an error.

    >>> from lix_vtab.errors import PluginError
    >>> exit_code(PluginError("it hangs")), exit_code(ZeroDivisionError())
    (40, 255)
    """
    for cls in type(error).__mro__:
        if cls.__name__ in _BY_CLASS:
            return _BY_CLASS[cls.__name__]
    return DEFECT
