"""One file per SQL surface, on a shared base: thin tables and cursors, planning as a function."""
