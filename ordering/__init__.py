"""What needs one order for all cities, as a small state machine that every city computes for itself.

An engine that tolerates liars (CometBFT) gives all of them the same transactions in the same order; here is
what these mean. Nothing in this package reads a clock, draws anything at random or knows a person: two
machines that were given the same blocks hold the same state, and its root stands in the next block's header.
"""
