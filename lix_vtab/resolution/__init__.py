"""Package resolution."""
