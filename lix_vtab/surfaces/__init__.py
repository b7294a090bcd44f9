"""Package surfaces."""
