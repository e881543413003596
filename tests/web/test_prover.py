"""The prover in TypeScript: its own tests, its vectors, and its proofs before the verifier of Python."""

import re
from dataclasses import replace
from typing import Any

import pytest

from disclosure import DisclosureError, Presentation, Query, Request, sign_request
from scripts import web_vectors
from tests.disclosure import world
from tests.web.node import BUILT, PROVER, needs_prover, run
from verifier import VerifiedPresentation, verify_presentation

TESTS = sorted(path.stem for path in (PROVER / "test").glob("*.test.ts"))
SCHEMAS = {each.name: each for each in (world.PERMIT, world.PERMIT_2, world.INSURANCE)}


@needs_prover
@pytest.mark.parametrize("name", TESTS)
async def test_its_own_tests(name: str) -> None:
    out = await run("--test", "--test-reporter=tap", str(BUILT / f"{name}.js"))
    assert re.search(r"^# fail 0$", out, re.MULTILINE)
    assert int(re.findall(r"^# pass (\d+)$", out, re.MULTILINE)[-1]) > 0
    skipped = re.findall(r"# SKIP (.*)", out)
    if skipped:
        pytest.skip("; ".join(sorted(set(skipped))))


def test_its_vectors_are_what_the_packages_make() -> None:
    kept = {path.name: path.read_text(encoding="utf-8") for path in web_vectors.FOLDER.glob("*.json")}
    assert kept == web_vectors.files()


ASKED = (
    world.REQUEST,
    world.request(queries=(Query("permit", world.PERMIT_2.name, ("base", "district", "remark")),)),
    world.request(queries=(Query("permit", world.PERMIT.name, tuple(world.VALUES)),)),
)


def given() -> dict[str, Any]:
    """What the holder is asked and has, by what the vectors have."""
    vectors = web_vectors.plain()
    signed = [sign_request(each, world.SCHOOL_KEY) for each in ASKED]
    return {
        **{name: vectors[name] for name in ("schemas", "keys", "credentials")},
        "verifierKey": world.SCHOOL_KEY.public_key().public_bytes_raw().hex(),
        "asked": [
            {
                "payload": each.payload.hex(),
                "signature": each.signature.hex(),
                "now": int(world.NOW.timestamp()),
                "usageTag": world.USAGE_TAG.hex(),
                "noteHash": world.NOTE_HASH.hex(),
            }
            for each in signed
        ],
    }


def verified_of(request: Request, octets: bytes) -> VerifiedPresentation:
    """Read a presentation as a verifier does, and verify it."""
    presentation = Presentation.from_bytes(octets, SCHEMAS)
    assert presentation.canonical == octets
    return verify_presentation(request, presentation, world.DIRECTORY, world.NOW)


@needs_prover
async def test_python_verifies_what_it_proves_and_nothing_that_was_changed() -> None:
    lines = (await run(str(BUILT / "answer.js"), given=given())).split()
    assert len(lines) == len(ASKED)
    for request, line in zip(ASKED, lines, strict=True):
        octets = bytes.fromhex(line)
        verified = verified_of(request, octets)
        for query, shown in zip(request.queries, verified.credentials, strict=True):
            assert shown.values == {name: world.VALUES.get(name) for name in query.shown}
        other = replace(request, nonce=bytes(32))
        with pytest.raises(DisclosureError):
            verified_of(other, octets)
        for place in range(0, len(octets), 11):
            changed = bytearray(octets)
            changed[place] ^= 1
            with pytest.raises(DisclosureError):
                verified_of(request, bytes(changed))


@needs_prover
async def test_two_proofs_of_one_answer_have_nothing_in_common() -> None:
    asked = given()
    asked["asked"] = asked["asked"][1:2] * 2
    first, second = (
        Presentation.from_bytes(bytes.fromhex(line), SCHEMAS).credentials[0].proof
        for line in (await run(str(BUILT / "answer.js"), given=asked)).split()
    )
    parts = [{proof[at : at + 16] for at in range(0, len(proof), 16)} for proof in (first, second)]
    assert not parts[0] & parts[1]
