"""What the operations cost here, in multiples of P: `zk bench`, and the base of the folder benchmarks/.

P is one pairing check: two Miller loops and one final exponentiation with nothing prepared, of blst wherever
P stands without a group's name. Ratios to it, measured in turns with it, hold from machine to machine; times
do not. Everything here works from an installed distribution.
"""
