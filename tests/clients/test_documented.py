"""What docs/clients.md shows is run as it stands there, but for the server's address and the folder."""

import asyncio
import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from disclosure import OfferLink
from tests.clients.test_examples import Running, parties
from tests.zkservice.stored import selected
from tests.zkservice.support import City, city
from zk import catalogue

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "clients.md").read_text("utf-8")
BLOCK = re.compile(r"^```(\w+)(?: (\w+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [match.groups() for match in BLOCK.finditer(DOCUMENT)]
GRPCURL = ROOT / "build" / "go" / "grpcurl"
NAME = "departments/public-security/schemas/residence_permit@1"


def blocks(language: str, kind: str | None) -> list[str]:
    return [text for found, of, text in BLOCKS if (found, of) == (language, kind)]


def test_every_block_is_of_a_kind_that_is_run() -> None:
    kinds = {(language, of) for language, of, _ in BLOCKS}
    assert kinds == {("python", "ask"), ("python", "claim"), ("python", "plain"), ("sh", None)}
    assert len(BLOCKS) == DOCUMENT.count("```") // 2


async def run(block: str, folder: Path, town: City) -> Running:
    """Start a block in a folder that has what the service's operator hands out."""
    for name in ("ca.pem", "log.vkey"):
        shutil.copy(town.ready.data / name, folder / name)
    return Running(
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", block.replace("localhost:8443", town.ready.address),
            cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT), "GRPC_VERBOSITY": "NONE"},
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )
    )  # fmt: skip


async def test_the_blocks_in_python(tmp_path: Path) -> None:
    async with parties(tmp_path) as given:
        town = given.town
        issued = await town.claim(await town.issue())
        for block in blocks("python", "ask"):
            asking = await run(block, tmp_path, town)
            link = await asking.line()
            await given.answer(link, issued, await given.fetched(link))
            code, out, err = await asking.ended()
            assert (code, err) == (0, "")
            assert "'district': '370102'" in out
        for block in blocks("python", "claim"):
            made = await town.issue()
            link = str(OfferLink(town.ready.address, made.offer.removeprefix("offers/"), made.claim_code))
            code, out, err = await (await run(block, tmp_path, town)).ended(f"{link}\n")
            assert (code, err) == (0, "")
            assert out == "departments/police/schemas/residence_permit@1\n"
        first, second = [
            await (await run(each, tmp_path, town)).ended() for each in blocks("python", "plain")
        ]
        assert (first[0], first[2], second[0], second[2]) == (0, "", 0, "")
        assert first[1].strip() == town.ready.verifier_key.partition("+")[0]
        assert second[1] == "NOT_FOUND ['name']\n"


@pytest.mark.skipif(not GRPCURL.exists(), reason="grpcurl is not there: scripts/grpcurl.sh builds it with Go")
async def test_the_commands_of_grpcurl(tmp_path: Path) -> None:
    async with city(tmp_path / "server") as town:
        (schema,) = [each for each in catalogue.builtin().schemas() if str(each.name) == NAME]
        (tmp_path / "department.token").write_text(await town.add_department("public-security"))
        await town.add_schema(schema)
        await town.add_key("public-security")
        given = {
            "localhost:8443": town.ready.address,
            "ca.pem": str(tmp_path / "server" / "ca.pem"),
            "department.token": str(tmp_path / "department.token"),
            "build/zk.protoset": str(tmp_path / "zk.protoset"),
        }
        said = [await shell(_put(block, given)) for block in blocks("sh", None)]
        again = await shell(_put(blocks("sh", None)[1], given))
        offers = selected(tmp_path / "server", "select id from offer")
    looking, issuing, from_files, refused = said
    assert "SERVING" in looking
    assert "zkproto.v1.LedgerService" in looking.splitlines()
    assert "rpc GetCheckpoint" in looking
    assert json.loads(issuing)["claim_code"]
    assert json.loads(issuing) == json.loads(again)
    assert [(json.loads(issuing)["offer"],)] == [(f"offers/{row[0]}",) for row in offers]
    assert from_files.count('"verifierKey"') == 1
    assert '"departments/public-security"' in from_files
    assert "NotFound" in refused
    assert "NOT_FOUND" in refused


def _put(block: str, given: dict[str, str]) -> str:
    for name, value in given.items():
        block = block.replace(name, value)
    return block


async def shell(script: str) -> str:
    """Run lines of a shell in the repository's folder, with grpcurl at hand; return all that was said."""
    handle = await asyncio.create_subprocess_exec(
        "bash", "-euo", "pipefail", "-c", script,
        cwd=ROOT, env=os.environ | {"PATH": f"{GRPCURL.parent}:{os.environ['PATH']}"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(120):
        out, _ = await handle.communicate()
    assert handle.returncode == 0, out.decode()
    return out.decode()
