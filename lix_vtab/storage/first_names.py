"""Texts interned from birth, so that hot code compares numbers it knows."""

from __future__ import annotations

__all__ = ["BLOB_REF_ID", "DIRECTORY_ID", "FALLBACK_ID", "FILE_ID", "FIRST_NAMES", "LIX"]

LIX = 1
"""Id of the text 'lix', the file and plugin of rows that belong to no file."""

FILE_ID = 2
DIRECTORY_ID = 3
BLOB_REF_ID = 4
FALLBACK_ID = 5

FIRST_NAMES: dict[str, int] = {
    "lix": LIX,
    "lix_file_descriptor": FILE_ID,
    "lix_directory_descriptor": DIRECTORY_ID,
    "lix_binary_blob_ref": BLOB_REF_ID,
    "lix_builtin_binary_fallback": FALLBACK_ID,
    "lix_active_account": 6,
}
