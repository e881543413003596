"""The examples as a reader starts them: processes of their own over a real server."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

import tlog
from disclosure import ExchangeLink, OfferLink, Request, VerifierName
from tests.clients.cutting import until
from tests.verifier.test_verifier_client import POLICY
from tests.zkservice.allowing import asking
from tests.zkservice.stored import selected
from tests.zkservice.support import City, Issued, city, present
from verifier import Policy, Record, keys, recheck
from zkproto.v1 import presentation_pb2

ROOT = Path(__file__).parents[2]
PASSPHRASE = "a passphrase of words"


@dataclass
class Running:
    """An example that runs."""

    handle: asyncio.subprocess.Process

    async def line(self) -> str:
        assert self.handle.stdout is not None
        async with asyncio.timeout(60):
            return (await self.handle.stdout.readline()).decode().strip()

    async def ended(self, said: str = "") -> tuple[int, str, str]:
        """Say something, and wait for the end: exit code, what it said yet, and of what it complained."""
        async with asyncio.timeout(120):
            out, err = await self.handle.communicate(said.encode())
        assert self.handle.returncode is not None
        return self.handle.returncode, out.decode(), err.decode()


async def run(name: str, *arguments: object) -> Running:
    return Running(
        await asyncio.create_subprocess_exec(
            sys.executable, str(ROOT / "examples" / name), *map(str, arguments),
            cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT), "GRPC_VERBOSITY": "NONE"},
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )
    )  # fmt: skip


@dataclass
class Parties:
    """A city, what everybody knows of its service, and a school's files."""

    town: City
    folder: Path

    @property
    def service(self) -> tuple[object, ...]:
        return self.town.ready.address, self.folder / "server" / "ca.pem", self.folder / "server" / "log.vkey"

    @property
    def school(self) -> tuple[object, ...]:
        return *self.service, self.folder / "school.pem", "school", self.folder / "policy.yaml"

    async def answer(self, link: str, issued: Issued, request: presentation_pb2.FetchRequestResponse) -> None:
        parsed = ExchangeLink.parse(link)
        asked = Request.from_bytes(request.signed_request.payload)
        presentation, note = present(asked, issued, self.town.clock())
        opened = presentation_pb2.CreateExchangeResponse(exchange=parsed.exchange, ticket=parsed.ticket)
        await self.town.presentation.SubmitPresentation(self.town.submission(opened, presentation, note))

    async def fetched(self, link: str) -> presentation_pb2.FetchRequestResponse:
        parsed = ExchangeLink.parse(link)
        message = presentation_pb2.FetchRequestRequest(exchange=parsed.exchange, ticket=parsed.ticket)
        answer: presentation_pb2.FetchRequestResponse = await self.town.presentation.FetchRequest(message)
        return answer


@asynccontextmanager
async def parties(folder: Path, written: str = POLICY) -> AsyncIterator[Parties]:
    async with city(folder / "server") as town:
        policy = Policy.parse(written.encode())
        await town.add_policy(asking(policy, VerifierName("school")))
        (folder / "policy.yaml").write_text(written)
        keys.save(town.verifier_keys["school"], folder / "school.pem")
        yield Parties(town, folder)


async def test_a_bank_asks_many_at_once(tmp_path: Path) -> None:
    (tmp_path / "records").mkdir()
    async with parties(tmp_path) as given:
        issued = await given.town.claim(await given.town.issue())
        bank = await run("bank_service.py", *given.school, tmp_path / "records", 6)
        asked = [json.loads(await bank.line()) for _ in range(6)]
        for each in reversed(asked):
            await given.answer(each["link"], issued, await given.fetched(each["link"]))
        code, out, err = await bank.ended()
        log = tlog.Verifier.from_string(given.town.ready.verifier_key)
    assert (code, err) == (0, "")
    outcomes = [json.loads(each) for each in out.splitlines()]
    assert sorted(each["customer"] for each in outcomes) == [*range(6)]
    assert {each["form"] for each in outcomes} == {"plain"}
    for each in outcomes:
        recheck(Record.load(tmp_path / "records" / each["record"]), log_verifier=log)


async def test_a_school_and_a_holder(tmp_path: Path) -> None:
    async with parties(tmp_path) as given:
        made = await given.town.issue()
        offer = OfferLink(given.town.ready.address, made.offer.removeprefix("offers/"), made.claim_code)
        vault = tmp_path / "my.vault"
        claiming = await run("holder.py", *given.service, vault, "claim", offer)
        code, out, err = await claiming.ended(f"{PASSPHRASE}\n")
        assert (code, err) == (0, "")
        assert out == "kept departments/police/schemas/residence_permit@1\n"

        school = await run("school.py", *given.school, tmp_path / "record.json")
        link = await school.line()
        no = await run("holder.py", *given.service, vault, "answer", f"{link}x")
        assert (await no.ended(f"{PASSPHRASE}\n"))[0] == 1, "a link with another ticket opens nothing"
        yes = await run("holder.py", *given.service, vault, "answer", link)
        code, out, err = await yes.ended(f"{PASSPHRASE}\nyes\n")
        assert (code, err) == (0, "")
        assert "will see" in out
        assert "answered, with receipt" in out
        code, out, err = await school.ended()
        assert (code, err) == (0, "")
        assert json.loads(out)["permit"]["district"] == "370102"
        log = tlog.Verifier.from_string(given.town.ready.verifier_key)
        recheck(Record.load(tmp_path / "record.json"), log_verifier=log)

        again = await run("school.py", *given.school, tmp_path / "second.json")
        link = await again.line()
        no = await run("holder.py", *given.service, vault, "answer", link)
        code, _, err = await no.ended(f"{PASSPHRASE}\nno\n")
        assert code == 1
        assert "DECLINED" in err
        code, _, err = await again.ended()
        assert code == 1
        assert "HOLDER_DECLINED" in err
        await until(lambda: len(selected(tmp_path / "server", "select * from answer")) == 1)


@pytest.mark.parametrize("name", ["bank_service.py", "school.py", "holder.py"])
async def test_an_example_says_what_it_wants(name: str) -> None:
    code, _, err = await (await run(name)).ended()
    assert code == 2
    assert err.startswith(f"usage: python examples/{name} ")
