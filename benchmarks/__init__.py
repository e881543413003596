"""Benchmarks: what the operations cost, in multiples of P and beside what else there is.

P is one pairing check of blst: two Miller loops and one final exponentiation with nothing prepared. Ratios to
it, measured in turns with it, hold from machine to machine; times do not. Run everything from the root of the
repository: `python -m benchmarks.quick` in two minutes, `python -m benchmarks` for the whole report. What is
measured and how is in zk/bench, which is part of the distribution; here is what only a clone has.
"""
