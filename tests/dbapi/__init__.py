"""The database interface, and what stands on it."""
