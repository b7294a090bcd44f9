"""The only code that writes `lix_internal_*` tables: changes, commits, segments, versions, blobs."""
