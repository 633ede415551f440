"""``make bench``: the table of docs/benchmarks.md, measured against the running program."""
