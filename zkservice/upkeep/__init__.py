"""What an operator does with a ledger apart from serving it: check, back up, restore, bring forward."""
