"""The harness that executes what README.md and docs/ show, and its own tests."""
