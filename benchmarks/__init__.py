"""What the plugin costs, measured beside its peers: `make bench` comes in, docs/benchmarks.md goes out.

Each benchmark is one module. Its peers take turns in one run, so that whatever else the machine does falls on all of
them alike, and ratios are taken turn by turn.
"""
