"""Benchmarks: ratios, side by side in one run. Not part of the test run; each has a command of its own."""
