"""Showing differences: what changed becomes blocks of lines, and blocks become text."""
