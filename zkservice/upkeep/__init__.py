"""What an operator does with a ledger apart from serving it: check it, back it up, restore it, bring it forward."""
