"""What calls from Python refuse."""
