"""Package history."""
