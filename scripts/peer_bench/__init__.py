"""The parts of `make bench-peers`; see bench_peers.py beside this folder."""
