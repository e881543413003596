"""One-chain errands in the vault: what is kept of them, how one is planned and consented to."""
