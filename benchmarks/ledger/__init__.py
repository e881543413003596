"""The ledger's figures."""
