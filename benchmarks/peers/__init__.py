"""The sides of the comparison: programs of their own that measure inside themselves."""
