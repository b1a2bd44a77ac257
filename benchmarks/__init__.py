"""Benchmarks: the kit beside its limits and its peers. `python -m benchmarks --help`."""
