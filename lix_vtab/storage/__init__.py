"""The only code that writes `lix_internal_*` tables: changes, commits, versions, contents."""
