"""Registered parties that sign for themselves, by their names."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from zkservice.storage import accounts, consents, tables


def public_key(connection: Connection, party: str) -> bytes | None:
    """Return a party's Ed25519 public key, 32 octets; None if there is no such party."""
    found: bytes | None = None
    if party.startswith("verifiers/"):
        table = tables.verifier
        found = connection.execute(select(table.c.public_key).where(table.c.name == party)).scalar()
    elif party.startswith("consents/"):
        found = consents.public_key(connection, party.removeprefix("consents/"))
    elif party.startswith("accounts/"):
        found = accounts.public_key(connection, party)
    return found


def is_registered(connection: Connection, name: str) -> bool:
    """Tell whether a department, verifier or regulator is registered."""
    of = {"departments": tables.department, "verifiers": tables.verifier, "regulators": tables.regulator}
    table = of.get(name.partition("/")[0])
    if table is None:
        return False
    return connection.execute(select(table.c.name).where(table.c.name == name).limit(1)).first() is not None


def former_keys(connection: Connection, party: str) -> Sequence[accounts.FormerKey]:
    """Return the keys that a party had before; accounts alone are given others."""
    return accounts.former_keys(connection, party) if party.startswith("accounts/") else ()
