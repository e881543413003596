"""The client for Node over real servers: node's own test runner inside, the servers and their faults here."""

import asyncio
import json
import os
import re
import shutil
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives import serialization
from google.protobuf.json_format import MessageToDict

from disclosure import Query, Request, VerifierName, canonical, sign_request
from disclosure.request import moment_of
from tests.clients.cutting import Cutter, cutter, until
from tests.clients.hinting import Hinting, hinting, refusing
from tests.zkservice.allowing import allowed, any_policy, creating, registering
from tests.zkservice.stored import selected
from tests.zkservice.support import ASKED, PERMIT, TEXT, City, city

HERE = Path(__file__).parents[2] / "clients" / "typescript"
BUILT = HERE / "dist" / "test" / "client.test.js"
NONCE, CREATED = bytes(range(32)), 1_800_000_000
EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED
ITEMS: list[Any] = [
    None, True, False, 0, 23, 24, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**37, "", "a", "济南",
    "x" * 300, [], [1, [2, ["three"]]], ["y"] * 30,
]  # fmt: skip


def file_given(town: City, **more: object) -> dict[str, object]:
    """Return what the tests in Node are told: how things are made here, and what to come to."""
    name = VerifierName("school")
    policy = allowed(any_policy(name), ASKED, TEXT)
    key = town.verifier_keys["school"]
    asked = (Query("permit", PERMIT.name, ("district",)),)
    created, expires = moment_of(CREATED), moment_of(CREATED + 3600)
    signed = sign_request(Request(name, TEXT, asked, created, expires, NONCE, any_policy(name)), key)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "server": town.ready.address,
        "root": (town.ready.data / "ca.pem").read_text(),
        "log": town.ready.verifier_key,
        "admin": town.admin,
        "verifier": str(name),
        "policy": str(any_policy(name)),
        "schema": str(PERMIT.name),
        "key": pem.decode(),
        "purposeRequest": MessageToDict(registering(policy)),
        "policyRequest": MessageToDict(creating(policy)),
        "vectors": [
            {"item": ["label", each], "octets": canonical.encode("label", each).hex()} for each in ITEMS
        ],
        "signed": {
            "nonce": NONCE.hex(),
            "created": CREATED,
            "payload": signed.payload.hex(),
            "signature": signed.signature.hex(),
        },
        **more,
    }


async def cut_off(proxy: Cutter, folder: Path, data: Path) -> None:
    """Lose the answer of the next write that comes through the proxy."""

    def count() -> int:
        return int(selected(data, "select count(*) from exchange")[0][0])

    await until((folder / "connected").exists, 240)
    proxy.hold_answers()
    before = count()
    (folder / "held").touch()
    await until(lambda: count() > before)
    proxy.cut()


@pytest.mark.skipif(not BUILT.exists(), reason="not built: scripts/typescript.sh does it where Node is there")
async def test_the_client_for_node(tmp_path: Path) -> None:
    node = shutil.which("node")
    assert node is not None
    hinted = refusing(EXHAUSTED, "OVERLOADED", after=0.4)
    hints = Hinting([hinted, hinted])
    passing = Hinting([refusing(grpc.StatusCode.UNAVAILABLE, "STORAGE_UNAVAILABLE")] * 3)
    failing = Hinting(always=refusing(EXHAUSTED, "OVERLOADED", after=3600.0))
    async with AsyncExitStack() as stack:
        town = await stack.enter_async_context(city(tmp_path / "server"))
        proxy = await stack.enter_async_context(cutter(town.ready.address))
        faulty = [
            (await stack.enter_async_context(hinting(tmp_path / "hinting", each)))(None).server
            for each in (hints, passing, failing)
        ]
        given = file_given(
            town, hinting=faulty[0], passing=faulty[1], failing=faulty[2], proxy=proxy.address,
            hintRoot=(tmp_path / "hinting" / "ca.pem").read_text(),
            otherRoot=(tmp_path / "hinting" / "ca.pem").read_text(), folder=str(tmp_path),
        )  # fmt: skip
        (tmp_path / "given.json").write_text(json.dumps(given))
        cutting = asyncio.create_task(cut_off(proxy, tmp_path, tmp_path / "server"))
        running = await asyncio.create_subprocess_exec(
            node, "--test", "--test-reporter=spec", str(BUILT),
            cwd=HERE, env=os.environ | {"GIVEN": str(tmp_path / "given.json")},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        async with asyncio.timeout(240):
            out, _ = await running.communicate()
        assert running.returncode == 0, out.decode()
        await cutting
        names = [f"exchanges/{row[0]}" for row in selected(tmp_path / "server", "select id from exchange")]
    assert "fail 0" in out.decode()
    assert len(names) == 2, "each of two requests that were sent twice opened one exchange"
    assert (tmp_path / "asked").read_text() in names
    assert [len(each.moments) for each in (hints, passing, failing)] == [3, 4, 2]
    first, second, third = hints.moments
    assert min(second - first, third - second) >= 0.4


@pytest.mark.skipif(not BUILT.exists(), reason="not built: scripts/typescript.sh does it where Node is there")
async def test_what_its_document_shows(tmp_path: Path) -> None:
    node = shutil.which("node")
    assert node is not None
    (block,) = re.findall(r"^```ts\n(.*?)^```$", (HERE / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    async with city(tmp_path / "server") as town:
        put = {"localhost:8443": town.ready.address, "./dist": str(HERE / "dist")}
        for name, value in put.items():
            block = block.replace(name, value)
        (tmp_path / "server" / "shown.mjs").write_text(block)
        running = await asyncio.create_subprocess_exec(
            node, "shown.mjs", cwd=tmp_path / "server",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        async with asyncio.timeout(60):
            out, _ = await running.communicate()
    assert running.returncode == 0, out.decode()
    assert str(PERMIT.name) in out.decode()
