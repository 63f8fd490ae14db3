"""Benchmarks: each one command, side by side in one run, the machine recorded. Run as `python -m benchmarks.NAME`."""
