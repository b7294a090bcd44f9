"""Benchmarks: every figure beside its floor, plain SQLite doing the least that could do the job."""
