"""Every command: where it is and what it does, so that `lix --help` need not import it."""

from __future__ import annotations

from lix_vtab.cli.lazy import Entry

__all__ = ["COMMANDS"]

_SECTIONS: dict[str, dict[str, str]] = {
    "Begin": {
        "init": "Create a database with version control, or add it to one.",
        "sql": "Run SQL statements.",
        "shell": "Open an interactive SQL shell.",
    },
    "Look": {
        "status": "Show the active version and what changed since its last checkpoint.",
        "log": "List commits, newest first.",
        "show": "Show one commit and what it changed.",
        "diff": "Compare two revisions.",
        "blame": "Say for each line, record or property who set it last.",
        "history": "List what a file or an entity was over time.",
        "at": "Look at files and rows as they were at a revision.",
    },
    "Change": {
        "checkpoint": "Mark where the active version stands, to come back to it.",
        "undo": "Undo the last transaction.",
        "redo": "Do again what was undone.",
        "restore": "Bring files or everything back to how they were at a revision.",
        "revert": "Undo one commit by a new one.",
    },
    "Versions": {
        "branch": "List, create, switch, rename and delete versions.",
    },
    "Files": {
        "files": "List, read, write, move and remove files.",
        "import": "Write files of the disk into the database.",
        "export": "Write files of the database to the disk.",
    },
    "Schemas and plugins": {
        "schema": "List, show and register schemas.",
        "plugin": "List, install and remove plugins.",
    },
    "Upkeep": {
        "check": "Verify every stored fact.",
        "gc": "Delete content that nothing refers to any more.",
        "rebuild": "Derive everything derived again from the change log.",
        "export-sql": "Write the present state as SQL for a database without lix.",
        "loadable-path": "Print the path of the extension for other SQLite hosts.",
        "completion": "Print the completion script for a shell.",
    },
}


def _entries() -> dict[str, Entry]:
    return {
        name: Entry(f"lix_vtab.cli.commands.{module}:{module}", summary, section)
        for section, commands in _SECTIONS.items()
        for name, summary in commands.items()
        for module in [_MODULES.get(name, name.replace("-", "_"))]
    }


_MODULES = {"import": "import_files", "export": "export_files"}
"""Commands whose name cannot be that of a module."""

COMMANDS = _entries()
