"""What whoever trusts one header of the chain can check offline: a later header, and a row under it.

Written from CometBFT v0.38, spec/core/data_structures, spec/core/encoding and spec/light-client/verification.
Nothing here needs the engine or its generated messages.
"""
