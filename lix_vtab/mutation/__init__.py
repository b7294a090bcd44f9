"""Package mutation."""
