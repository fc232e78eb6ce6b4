"""Benchmarks: what Taskyard promises in milliseconds, each beside its peers in the same run."""
