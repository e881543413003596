"""The corpus: real inputs of each decoder, a file each in `corpus/`, a JSON line an input.

`python -m pytest -p tests.fuzz.capture FILES` takes down what the decoders are given while those tests run.
Secrets are not taken down: their decoders are given fresh octets of the right length instead.
"""

import base64
import datetime as dt
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.fuzz import context
from tests.fuzz.finding import Decoder
from zkservice.keyring.ring import Ring

FOLDER: Final = Path(__file__).with_name("corpus")
SECRET: Final[Mapping[str, int]] = {
    "bbs.accumulator.issuer.AccumulatorSecret.from_octets": 32,
    "bbs.keys.SecretKey.from_octets": 32,
    "disclosure.composite.credential.HolderSecret.from_octets": 32,
    "disclosure.composite.handover.HandoverKey.from_octets": 32,
    "disclosure.composite.handover.KeptOpening.from_octets": 128,
}
"""Decoders of secrets, and about how many octets they take."""
_OF_KEYRINGS: Final = {"zkservice.keyring.ring.parsed", "zkservice.keyring.ring.read"}
_UNSEEN: Final = b"{}"


@dataclass(frozen=True)
class Seed:
    """One input, with the context that it came in."""

    octets: bytes
    context: Mapping[str, Any]


def seeds(decoder: Decoder) -> list[Seed]:
    """Return what is kept of a decoder; at least one input, whose context is a default one if need be."""
    path = FOLDER / f"{decoder.name}.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    kept = [_read(decoder, json.loads(each)) for each in lines]
    if kept:
        return kept
    octets = _fresh(decoder.name)
    return [Seed(octets, {name: context.default(kind) for name, kind in decoder.context.items()})]


def _fresh(name: str) -> bytes:
    """Return an input of a decoder of which none is kept: of secrets fresh ones, else what is malformed."""
    if name in _OF_KEYRINGS:
        now = dt.datetime.now(dt.UTC)
        return Ring.first(secrets.token_bytes(32), context.PROVIDER, now).to_bytes()
    return secrets.token_bytes(SECRET[name]) if name in SECRET else _UNSEEN


def line(decoder: Decoder, octets: bytes, given: Mapping[str, Any]) -> str:
    """Return an input as a line of its file."""
    values = {name: context.written(kind, given[name]) for name, kind in decoder.context.items()}
    return json.dumps({"octets": base64.b64encode(octets).decode(), **values}, sort_keys=True)


def _read(decoder: Decoder, fields: Mapping[str, Any]) -> Seed:
    given = {name: context.read(kind, fields[name]) for name, kind in decoder.context.items()}
    return Seed(base64.b64decode(fields["octets"]), given)
