"""Package execution."""
