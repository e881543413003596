"""Storage: one database, SQLAlchemy Core; modules of one transaction a use case, each safe to retry.

All functions here take a connection inside a transaction and never commit: `Database` does. What a caller is
told is durable when its `Database.write` has returned.
"""
