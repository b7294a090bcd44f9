"""Package filesystem."""
