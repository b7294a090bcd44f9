"""Versions, the active version, commits and sessions."""
