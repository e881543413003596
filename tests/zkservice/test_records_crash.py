"""A server killed in the middle of a push: it goes on, with exactly one credential for each record, and no
changed record leaves its old credential in force."""

import asyncio
import shutil
import signal
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import grpc
import pytest
import pytest_asyncio

from disclosure import CredentialForm, SchemaName
from tests.zkservice.auditing import audit
from tests.zkservice.holding import Holder
from tests.zkservice.pushes import Pusher, groups, record
from tests.zkservice.revoking import Office
from tests.zkservice.server_process import started
from tests.zkservice.stored import dump
from tests.zkservice.support import PERMIT, City, city, new_id, reopened
from zkproto.v1 import record_pb2 as pb

FORM = replace(PERMIT, name=SchemaName("police", "resident", 1), form=CredentialForm.COMPOSITE)
RECORDS: Final = 240
CLAIMED: Final = 3


@dataclass
class Prepared:
    """A folder on which credentials of the composite form were claimed, and what the department has now."""

    folder: Path
    token: str
    handles: set[bytes]

    def plain(self) -> list[pb.Record]:
        return [record(number) for number in range(RECORDS)]

    def changed(self) -> list[pb.Record]:
        return [resident(number, "370103") for number in range(CLAIMED)]


def resident(number: int, district: str) -> pb.Record:
    return record(number, FORM, {"district": district}, person=b"person %d" % number)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def prepared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Prepared]:
    folder = tmp_path_factory.mktemp("prepared")
    async with city(folder) as town:
        await town.add_schema(FORM)
        await Office.open(town, "police", town.department_token)
        pusher = Pusher(town, town.department_token, FORM)
        await pusher.push([resident(number, "370102") for number in range(CLAIMED)])
        handles = set()
        for number in range(CLAIMED):
            holder = Holder(town)
            claiming = await holder.commit(await pusher.state(number), FORM)  # type: ignore[arg-type]
            answer = await claiming.send(town)
            await holder.accept(claiming, answer)
            handles.add(answer.handle)
        token = town.department_token
    yield Prepared(folder, token, handles)


@pytest.fixture
def copied(prepared: Prepared, tmp_path: Path) -> Prepared:
    folder = tmp_path / "server"
    shutil.copytree(prepared.folder, folder)
    return Prepared(folder, prepared.token, prepared.handles)


async def pushed(town: City, token: str, push: str, records: list[pb.Record], schema: SchemaName) -> int:
    """Push what is left; return how much was acknowledged before the connection was lost."""
    pusher = Pusher(town, token, replace(PERMIT, name=schema))
    acknowledged = 0
    try:
        async for told in pusher.send([pusher.start(push), *groups(records, 8)]):
            acknowledged = told.push.done
            await asyncio.sleep(0.002)
    except grpc.aio.AioRpcError as error:
        # The second is grpcio's own word where the connection ends under a message that is being sent.
        if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL):
            raise
    return acknowledged


@pytest.mark.parametrize("milliseconds", [20, 60, 120, 200])
@pytest.mark.parametrize("processes", [0, 2])
async def test_killed_at_any_moment_and_gone_on(copied: Prepared, milliseconds: int, processes: int) -> None:
    push, records = new_id(), copied.plain()
    async with started(copied.folder, processes=processes) as process, process.city() as town:
        sending = asyncio.ensure_future(pushed(town, copied.token, push, records, PERMIT.name))
        await asyncio.sleep(milliseconds / 1000)
        process.end(signal.SIGKILL)
        assert await process.ended() == -signal.SIGKILL
        acknowledged = await sending
    async with reopened(copied.folder) as town:
        pusher = Pusher(town, copied.token)
        try:
            done = (await pusher.get(push)).done
        except grpc.aio.AioRpcError as error:
            if error.code() != grpc.StatusCode.NOT_FOUND:
                raise
            done = 0
        assert done >= acknowledged, "what was acknowledged is gone"
        made = await pusher.push(records[done:], push, size=64, first=done)
        assert (made.done, made.issued, made.unchanged) == (RECORDS, RECORDS, 0)
        again = await pusher.push(records, size=64)
        assert (again.unchanged, again.issued, again.replaced) == (RECORDS, 0, 0)
        await audit(town)
    rows = dump(copied.folder)
    plain = [row for row in rows["offer"] if row[2] == str(PERMIT.name)]
    assert len(plain) == RECORDS, "an offer that is no record's, or a second one"
    assert Counter(row[1] for row in rows["record"]) == {"residence_permit": RECORDS, "resident": CLAIMED}


@pytest.mark.parametrize("milliseconds", [0, 3, 8, 15, 30, 60])
async def test_killed_while_records_change_no_old_credential_stays_in_force(
    copied: Prepared, milliseconds: int
) -> None:
    push = new_id()
    async with started(copied.folder) as process, process.city() as town:
        await town.channel.channel_ready()
        sending = asyncio.ensure_future(pushed(town, copied.token, push, copied.changed(), FORM.name))
        await asyncio.sleep(milliseconds / 1000)
        process.end(signal.SIGKILL)
        assert await process.ended() == -signal.SIGKILL
        acknowledged = await sending
    rows = dump(copied.folder)
    due = {row[0] for row in rows["due_revocation"]}
    revoked = {row[2] for row in rows["revocation"]}
    # At the moment of the crash: whose offer was replaced is revoked, or written down to be.
    replaced = len([row for row in rows["offer"] if row[2] == str(FORM.name)]) - CLAIMED
    assert acknowledged <= replaced <= len(due) + len(revoked & copied.handles)
    async with reopened(copied.folder) as town:
        pusher = Pusher(town, copied.token, FORM)
        done = (await pusher.push(copied.changed(), push)).done
        assert done == CLAIMED
        await pusher.withdraw("nobody")  # answered after what was left is revoked
        assert await pusher.count() == (CLAIMED, 0)
    rows = dump(copied.folder)
    assert {row[2] for row in rows["revocation"]} == copied.handles
    assert not rows["due_revocation"]
    assert len([row for row in rows["offer"] if row[2] == str(FORM.name)]) == 2 * CLAIMED
