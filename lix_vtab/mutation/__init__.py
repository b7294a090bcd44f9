"""Writing rows: validate, decide what the write means, store it, tell those who watch."""
