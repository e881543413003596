"""The relying party's side of the composite form: policies, what they compile to, records."""
