"""The draft's mocked randomness and readers of its fixtures; for tests only."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bbs import SHA_256, SHAKE_256, Ciphersuite, groups
from tests.vectors import require_vectors

FOLDERS = {"bls12-381-sha-256": SHA_256, "bls12-381-shake-256": SHAKE_256}
GROUPS = groups.available()
SEED = bytes.fromhex("332e313431353932363533353839373933323338343632363433333833323739")


def seeded_random_scalars(seed: bytes, dst: bytes, *, suite: Ciphersuite) -> Callable[[int], list[int]]:
    """Return the generator that the draft's vectors are made with (draft -09, mocked random scalars)."""

    def rng(count: int) -> list[int]:
        out = suite.expand_message(seed, dst, count * suite.expand_len)
        parts = (out[at : at + suite.expand_len] for at in range(0, len(out), suite.expand_len))
        return [int.from_bytes(part) % suite.r for part in parts]

    return rng


def mocked_rng(suite: Ciphersuite) -> Callable[[int], list[int]]:
    return seeded_random_scalars(SEED, suite.api_id + b"MOCK_RANDOM_SCALARS_DST_", suite=suite)


def suites() -> list[Ciphersuite]:
    """Every ciphersuite on every group that is installed."""
    return [suite.with_group(groups.by_name(name)) for suite in FOLDERS.values() for name in GROUPS]


def suite_id(suite: Ciphersuite) -> str:
    return f"{'SHAKE' if suite.ciphersuite_id == SHAKE_256.ciphersuite_id else 'SHA'}-{suite.group.name}"


def folder(suite: Ciphersuite) -> Path:
    name = next(n for n, s in FOLDERS.items() if s.ciphersuite_id == suite.ciphersuite_id)
    return require_vectors("bbs", name)


def load(suite: Ciphersuite, name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((folder(suite) / name).read_text())
    return data


def octets(values: Sequence[str]) -> list[bytes]:
    return [bytes.fromhex(value) for value in values]
