"""The state surfaces: what is visible where, and what writes do."""
