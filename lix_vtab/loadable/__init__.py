"""Package loadable."""
