"""A small city whose keys all come of seeds, and how a city is written for the prover in TypeScript.

The schemas and people are those of the tests of the composite form. Keys, tables, handles and blinds come of
seeds, so that vectors come out the same each time. For vectors only.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import bbs
from bbs.accumulator import AccumulatorSecret, Epoch
from bbs.ciphersuite import resolve
from bbs.engine import Builder, PairingSuite, Values, prove
from bbs.gadgets.escrow import escrow_bases, escrow_key_base
from bbs.gadgets.escrow_shares import EscrowShare, PublicShare
from bbs.gadgets.tables import DIGIT_BASE, DIGITS, Table, sign_table
from bbs.signature import core_sign
from disclosure import DepartmentName, IssuerKey, Schema, Value, issuer_key_name
from disclosure.composite import (
    CompositeCredential,
    CompositeDirectory,
    HolderSecret,
    Holding,
    PublishedAccumulator,
    PublishedCodeList,
    PublishedDigits,
    RegulatorKey,
    prepare,
    scalars,
)
from disclosure.composite.credential import message_scalars
from scripts.web_vectors import Json, Stream
from tests.disclosure.composite import world

OTHERS: Final = (5, 6, 7)
"""Handles of others, two of which are revoked before epoch 1 and all before epoch 2."""


def _seed(text: str) -> bytes:
    return (text.encode() * 48)[:48]


@dataclass(frozen=True, eq=False)
class Department:
    """A department with its keys, the epochs of its accumulator, and its table."""

    key: IssuerKey
    secret: bbs.SecretKey
    accumulator: AccumulatorSecret
    epochs: tuple[Epoch, ...]
    digits: PublishedDigits

    @property
    def published(self) -> PublishedAccumulator:
        """Its accumulator as it is published."""
        return PublishedAccumulator(
            self.digits.owner, self.accumulator.key, {each.number: each for each in self.epochs}
        )


def digits(owner: str, suite: str) -> PublishedDigits:
    """Return a table of digits, signed with a key that anybody can compute."""
    return PublishedDigits(owner, _table(owner, DIGITS, tuple(range(DIGIT_BASE)), suite))


def _table(owner: str, purpose: str, listed: tuple[int, ...], suite: str) -> Table:
    seed = _seed(f"{owner} {purpose} {suite}")
    secret = bbs.SecretKey.generate(suite=suite, rng=lambda size: seed[:size])
    return sign_table(PairingSuite(resolve(suite)), secret.group_key, secret.public_key(), purpose, listed)


@cache
def department(name: str, suite: str = str(world.SUITE)) -> Department:
    """Return a department; its accumulator has the epochs 0 to 2."""
    owner = str(DepartmentName(name))
    secret = bbs.SecretKey.generate(suite=suite, rng=lambda size: _seed(f"{owner} {suite}")[:size])
    accumulator = AccumulatorSecret.generate(suite=suite, rng=lambda size: _seed(f"{owner} list")[:size])
    epochs = [Epoch(0, accumulator.key.start, int(world.NOW.timestamp()) - 10_800)]
    for handles in (OTHERS[:2], OTHERS[2:]):
        page = accumulator.revoke(handles, epochs[-1].position, ())
        epochs.append(epochs[-1].followed_by(epochs[-1].position.after(page), epochs[-1].time + 3600))
    key = IssuerKey(issuer_key_name(name, suite, secret.public_key()), suite, secret.public_key())
    return Department(key, secret, accumulator, tuple(epochs), digits(owner, suite))


def credential(
    schema: Schema,
    by: Department,
    secret: HolderSecret,
    seed: str,
    changes: Mapping[str, Value | None] | None = None,
    expiry: dt.date = world.TODAY + dt.timedelta(days=30),
    blind: int = 0,
) -> Holding:
    """Return a holder's credential with its witness for the latest epoch, of a seed."""
    handle, drawn = Stream(seed.encode())(2)
    blind = blind or drawn
    values = dict(world.VALUES.get(schema.name, {})) | dict(changes or {})
    kept = {name: value for name, value in values.items() if value is not None}
    unsigned = CompositeCredential(schema.name, by.key.name, expiry, kept, handle, blind, bytes(80))
    suite = resolve(by.key.suite)
    messages = message_scalars(unsigned, secret, schema, suite)
    generators = scalars.generators(schema, suite)
    signature = core_sign(
        by.secret, by.key.public_key, generators, schema.header(), messages, scalars.api_id(suite)
    )
    signed = CompositeCredential(schema.name, by.key.name, expiry, kept, handle, blind, signature)
    witness = by.accumulator.witness(handle, by.epochs[-1].position, ())
    return Holding(signed, prepare(signed, secret, schema, by.key), witness)


def code_list(owner: str, codes: tuple[str, ...]) -> PublishedCodeList:
    """Return a list of districts."""
    suite = resolve(str(world.SUITE))
    listed = tuple(scalars.code_scalar("GB/T 2260", code, suite) for code in codes)
    return PublishedCodeList(owner, "GB/T 2260", codes, _table(owner, "codes", listed, str(world.SUITE)))


def regulator() -> RegulatorKey:
    """Return a regulator's key of two officers."""
    suite = PairingSuite(world.SUITE)
    return RegulatorKey(str(world.SUITE), tuple(_share(suite, place) for place in (7, 8)))


def _share(suite: PairingSuite, secret: int) -> PublicShare:
    """Publish a share as an officer does, with a vector's randomness."""
    share = EscrowShare.from_octets(suite, secret.to_bytes(32))
    builder = Builder(suite)
    scope = builder.scope("escrow-share")
    x = scope.witness("x")
    scope.equation("key", {escrow_bases(suite).G: 1}, [(x, escrow_key_base(suite, share.public_key))])
    statement = builder.build()
    values = Values(statement, Stream(b"share %d" % secret))
    values.set(x, secret)
    context = (("proof-of-possession", b"escrow-share"),)
    return PublicShare(share.public_key, prove(statement, context, values))


def published(directory: CompositeDirectory) -> Json:
    """Return what the prover in TypeScript reads a directory from."""
    return {
        "schemas": [each.canonical.hex() for each in directory.schemas.values()],
        "issuerKeys": [
            {"record": each.record().hex(), "state": each.state.value}
            for each in directory.issuer_keys.values()
        ],
        "digits": [{"owner": each.owner, "table": _octets(each)} for each in directory.digits.values()],
        "codeLists": [
            {
                "owner": each.owner, "codeSystem": each.code_system, "codes": list(each.codes),
                "table": _octets(each),
            }
            for each in directory.code_lists.values()
        ],
        "accumulators": [
            {
                "owner": each.owner, "suite": str(each.key.suite), "key": each.key.octets.hex(),
                "epochs": [epoch.octets.hex() for epoch in each.epochs.values()],
            }
            for each in directory.accumulators.values()
        ],
        "regulators": [
            {
                "suite": each.suite, "digest": each.digest.hex(),
                "shares": [
                    {"publicKey": share.public_key.hex(), "possession": share.possession.hex()}
                    for share in each.shares
                ],
            }
            for each in directory.regulators.values()
        ],
        "verifiers": {str(name): key.hex() for name, key in directory.verifiers.items()},
    }  # fmt: skip


def _octets(each: PublishedDigits | PublishedCodeList) -> str:
    return each.table.octets.hex()


def written(holding: Holding, schema: Schema) -> Json:
    """Return a credential with its witness as its holder stores them."""
    kept = {"schema": str(schema.name), "octets": holding.credential.to_bytes(schema).hex(), "witness": None}
    if holding.witness is not None:
        kept |= {
            "accumulator": holding.witness.at.key.octets.hex(),
            "witness": holding.witness.to_octets_secret().hex(),
        }
    return kept


def asked(request: Any, branch: str, holdings: Mapping[str, str], holder: str) -> Json:
    """Return a question with the names of the credentials that answer it."""
    return {
        "request": request.canonical.hex(),
        "branch": branch,
        "holder": holder,
        "holdings": dict(holdings),
        "now": int(world.NOW.timestamp()),
        "usageTag": world.USAGE_TAG.hex(),
        "noteHash": world.NOTE_HASH.hex(),
    }
