"""The test suite; a package so that its own tools can be imported by name."""
