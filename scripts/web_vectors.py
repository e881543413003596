"""What the prover in TypeScript is held to: the vectors of web/prover/test/vectors.

    python -m scripts.web_vectors [--check]

With `--check` it writes nothing, and ends with 1 if a file is not what the packages give. All randomness in
them is `Stream`; the people and keys are those of the tests.
"""

import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import bbs
from bbs.groups.bls12_381 import r
from disclosure import (
    Credential,
    CredentialPresentation,
    DisclosureError,
    ExpiryRule,
    Presentation,
    Query,
    Request,
    sign_request,
    statements_of,
)
from disclosure.attributes import days
from tests.disclosure import world

FOLDER: Final = Path(__file__).resolve().parents[1] / "web" / "prover" / "test" / "vectors"
_OTHERS: Final = tuple(
    f"scripts.web_vectors_{each}"
    for each in ("composite", "policy", "policy_message", "allowance", "standing", "telling")
)
_FLIPPED: Final = (0x01, 0x80)
_STEP: Final = 3

Json = Any


class Stream:
    """Random scalars that both languages draw alike: number k is SHAKE-256(seed || k) reduced modulo r.

    k counts from 0 over all calls and has 8 octets; 48 octets are taken. For vectors only.
    """

    def __init__(self, seed: bytes) -> None:
        """Begin with a seed, which is anything."""
        self._seed = seed
        self._drawn = 0

    def __call__(self, count: int) -> list[int]:
        """Draw the next scalars."""
        first, self._drawn = self._drawn, self._drawn + count
        return [self._scalar(number) for number in range(first, self._drawn)]

    def _scalar(self, number: int) -> int:
        return int.from_bytes(hashlib.shake_256(self._seed + number.to_bytes(8)).digest(48)) % r


def files() -> dict[str, str]:
    """Return every file's text by its name."""
    made = {"plain.json": text_of(plain())}
    for other in filter(find_spec, _OTHERS):
        made |= import_module(other).files()
    return made


def text_of(vectors: Json) -> str:
    """Return vectors as they stand in a file."""
    return json.dumps(vectors, ensure_ascii=False, indent=1) + "\n"


def plain() -> Json:
    """Return the vectors of the plain form, and of commitments that are bound to an issuance."""
    return {
        "schemas": [each.canonical.hex() for each in _SCHEMAS],
        "keys": [each.key.record().hex() for each in world.ISSUERS],
        "credentials": [_credential(*each) for each in _HELD],
        "presentations": list(_presentations()),
        "requests": list(_requests()),
        "commitments": list(_commitments()),
    }


_SCHEMAS: Final = (world.PERMIT, world.PERMIT_2, world.INSURANCE)
_HELD: Final = (
    (0, 0, world.credential(world.PERMIT, 0)),
    (0, 0, world.credential(world.PERMIT, 0, remark="遷入 2019")),
    (1, 1, world.credential(world.PERMIT_2, 1)),
    (2, 2, world.credential(world.INSURANCE, 2)),
)
"""Credentials, each with the places of its schema and of its key."""


def _credential(schema: int, key: int, held: Credential) -> Json:
    octets = held.to_bytes(_SCHEMAS[schema])
    messages = _SCHEMAS[schema].messages(held.expiry, held.values)
    return {
        "schema": schema,
        "key": key,
        "octets": octets.hex(),
        "expiry": days(held.expiry),
        "messages": [each.hex() for each in messages],
        "flips": flips(octets, lambda changed: Credential.from_bytes(changed, _SCHEMAS[schema])),
    }


def flips(octets: bytes, read: Callable[[bytes], object]) -> dict[str, str]:
    """Return what reading says of octets of which one was changed: by the reason, or "", the changes.

    A change is the place and what the octet there was changed by, with a colon between.
    """
    found = defaultdict[str, list[str]](list)
    for place in range(0, len(octets), _STEP):
        for change in _FLIPPED:
            changed = bytearray(octets)
            changed[place] ^= change
            found[_reason(read, bytes(changed))].append(f"{place}:{change}")
    return {reason: " ".join(changes) for reason, changes in sorted(found.items())}


def _reason(read: Callable[[bytes], object], octets: bytes) -> str:
    try:
        read(octets)
    except DisclosureError as error:
        return error.reason
    return ""


_ASKED: Final[tuple[tuple[str, tuple[tuple[Query, int], ...]], ...]] = (
    ("two credentials", ((world.QUERIES[0], 0), (world.QUERIES[1], 3))),
    ("a remark that is there", ((Query("permit", world.PERMIT.name, ("remark", "name")), 1),)),
    ("nothing shown", ((Query("permit", world.PERMIT.name, (), ExpiryRule.WAIVED), 0),)),
    (
        "everything shown",
        ((Query("permit", world.PERMIT.name, tuple(each.id for each in world.ATTRIBUTES)), 0),),
    ),
    ("the other suite", ((Query("permit", world.PERMIT_2.name, ("base", "district")), 2),)),
)


def _presentations() -> Iterator[Json]:
    for name, asked in _ASKED:
        request = world.request(queries=tuple(query for query, _ in asked))
        presentation = _present(request, tuple(place for _, place in asked), name.encode())
        yield {
            "name": name,
            "request": request.canonical.hex(),
            "answers": [place for _, place in asked],
            "seed": name.encode().hex(),
            "now": int(world.NOW.timestamp()),
            "usageTag": world.USAGE_TAG.hex(),
            "noteHash": world.NOTE_HASH.hex(),
            "presentation": presentation.canonical.hex(),
        }


def _present(request: Request, places: tuple[int, ...], seed: bytes) -> Presentation:
    """Prove as `prover.present` does, with a vector's randomness in place of the vault's."""
    held = [_HELD[place] for place in places]
    shown = tuple(map(world.shown_of, request.queries, (credential for _, _, credential in held)))
    tag, note = world.USAGE_TAG, world.NOTE_HASH
    statements, rng = statements_of(request, shown, tag, note, world.DIRECTORY, world.NOW), Stream(seed)
    proofs = [
        bbs.proof_gen(
            statement.public_key, credential.signature, statement.header, statement.presentation_header,
            _SCHEMAS[schema].messages(credential.expiry, credential.values), statement.disclosed_indexes,
            suite=statement.suite, rng=rng,
        )
        for statement, (schema, _, credential) in zip(statements, held, strict=True)
    ]  # fmt: skip
    parts = tuple(CredentialPresentation(*each) for each in zip(shown, proofs, strict=True))
    return Presentation(parts, tag, note, request.digest)


def _requests() -> Iterator[Json]:
    request = world.request()
    signed = sign_request(request, world.SCHOOL_KEY)
    yield {
        "payload": signed.payload.hex(),
        "signature": signed.signature.hex(),
        "verifier": str(request.verifier),
        "key": world.SCHOOL_KEY.public_key().public_bytes_raw().hex(),
        "digest": request.digest.hex(),
        "created": int(request.created.timestamp()),
        "flips": flips(request.canonical, Request.from_bytes),
    }


def _commitments() -> Iterator[Json]:
    messages, nyms = [b"", b"secret", bytes(100)], [5, r - 1]
    for place, issuer in enumerate(world.ISSUERS[:2]):
        for nonce in (None, bytes(range(16)), bytes(range(40))):
            binding = nonce and bbs.CommitmentBinding(issuer.key.public_key, nonce, b"what is issued")
            seed, suite = b"commitment %d" % place, issuer.key.suite
            plainly, _ = bbs.commit(messages, suite=suite, binding=binding or None, rng=Stream(seed))
            named, _ = bbs.commit_with_nym(
                messages, nyms, suite=suite, binding=binding or None, rng=Stream(seed)
            )
            yield {
                "key": place,
                "messages": [each.hex() for each in messages],
                "nyms": [str(each) for each in nyms],
                "nonce": nonce and nonce.hex(),
                "context": b"what is issued".hex(),
                "seed": seed.hex(),
                "commitment": plainly.hex(),
                "commitmentWithNym": named.hex(),
            }


def main() -> int:
    """Write the files, or compare them."""
    made = files()
    if "--check" in sys.argv[1:]:
        kept = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
        different = sorted(name for name in made.keys() | kept.keys() if made.get(name) != kept.get(name))
        for name in different:
            sys.stderr.write(f"{FOLDER / name} is not what python -m scripts.web_vectors makes\n")
        return int(bool(different))
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
