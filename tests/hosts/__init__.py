"""The suites of other directories, through every kind of host."""
