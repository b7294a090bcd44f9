"""Verbs of the facade by area; `Lix` has them all."""
