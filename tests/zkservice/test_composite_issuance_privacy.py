"""What the operator sees of issuance in the composite form: neither values nor persons, handles, secrets."""

import base64
import json
import signal
from pathlib import Path
from typing import Any

from disclosure.composite import IssuanceTerms, check_commitment
from tests.zkservice.holding import BASE, PERSON, RECORD, Claiming, Holder, identified, offer, requiring
from tests.zkservice.publishing import publish, table
from tests.zkservice.revoking import Office
from tests.zkservice.server_process import Process, started
from tests.zkservice.stored import dump
from tests.zkservice.support import VALUES, City, city, new_id, refusal
from tests.zkservice.test_privacy import PERSONAL, database_files, forms, found
from zkproto.v1 import issuance_pb2

HEAD = len("zk-revocation/witness/v1\n")


def encodings(octets: bytes) -> list[bytes]:
    """Return octets as they might stand in a log or file."""
    return [octets, octets.hex().encode(), base64.b64encode(octets), repr(octets)[2:-1].encode()]


def secrets_of(
    holder: Holder, claiming: Claiming, answer: issuance_pb2.ClaimCompositeCredentialResponse
) -> list[bytes]:
    """Return what is between holder and department: of the witness only the holder's own point."""
    handle = answer.handle
    at = answer.witness.index(handle) if answer.witness else 0
    parts = [
        handle,
        answer.signature,
        answer.witness[at + 32 : at + 128],
        holder.secret.to_octets_secret(),
        claiming.pending.blind.to_bytes(32),
    ]
    if claiming.message.commitment:
        terms = IssuanceTerms.from_bytes(claiming.pending.terms.canonical)
        checked = check_commitment(terms, claiming.message.commitment, BASE, claiming.key)
        parts += [checked.C, checked.pseudonym]
    return [form for each in parts if each for form in encodings(each)]


async def whole_story(town: City) -> tuple[list[bytes], list[str]]:
    """Issue both kinds of credentials; return what nobody may find, as octets and as texts."""
    await town.add_schema(BASE)
    token = await town.add_department("health")
    await town.add_schema(RECORD)
    await town.add_key("health")
    await Office.open(town, "police", town.department_token)
    await publish(town, table(), town.department_token)
    holder, hidden = Holder(town), list(PERSONAL)
    made = [await offer(town, identified())]
    claiming = await holder.commit(made[0])
    answer = await claiming.send(town)
    hidden += secrets_of(holder, claiming, answer)
    base = await holder.accept(claiming, answer)
    made.append(await offer(town, requiring({"name": VALUES["name"], "number": VALUES["number"]}), token))
    second = await holder.show(made[1], base)
    answer = await second.send(town)
    hidden += secrets_of(holder, second, answer)
    hidden += encodings(second.message.presentation.proof)
    await refused(town, claiming, second)
    return hidden, [each.claim_code for each in made] + [token, town.department_token, PERSON.decode()]


async def refused(town: City, claiming: Claiming, second: Claiming) -> None:
    """Send secrets to where they do not belong."""
    for message in (claiming.message, second.message):
        wrong: Any = issuance_pb2.ClaimCompositeCredentialRequest()
        wrong.CopyFrom(message)
        wrong.request_id = new_id()
        assert (await refusal(town.issuance.ClaimCompositeCredential(wrong))).reason == "OFFER_TAKEN"
        wrong.claim_code = str(VALUES["name"])
        await refusal(town.issuance.ClaimCompositeCredential(wrong))
    another = await Holder(town).commit(await offer(town, identified()))
    error = await refusal(another.send(town))
    assert error.reason == "HOLDER_MISMATCH"
    assert PERSON.decode() not in f"{error}"


async def test_the_database_holds_nothing_of_it_in_clear(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        hidden, texts = await whole_story(town)
        needles = [*hidden, *(form for each in texts for form in forms(each))]
        assert found(needles, *database_files(tmp_path)) == []
    assert found(needles, *database_files(tmp_path)) == []


async def test_the_log_of_a_whole_story_names_nobody_and_holds_no_secret(tmp_path: Path) -> None:
    process: Process
    async with started(tmp_path, log_level="debug") as process:
        async with process.city() as town:
            await town.furnish()
            hidden, texts = await whole_story(town)
        process.end(signal.SIGTERM)
        assert await process.ended() == 0
    log = tmp_path / "server.log"
    assert log.read_text().count("ClaimCompositeCredential") >= 7
    needles = [*hidden, *(form for each in texts for form in forms(each))]
    assert found(needles, log) == []
    for line in log.read_text().splitlines():
        assert set(json.loads(line)) <= {
            "request_id", "role",
            "event", "level", "timestamp", "method", "code", "reason", "ms", "address", "count", "height"
        }  # fmt: skip


async def test_what_is_kept_of_a_person_and_a_handle_cannot_be_guessed_at(tmp_path: Path) -> None:
    """Two services that know the same person by the same number keep other fingerprints of it."""
    kept = []
    for name in "ab":
        (tmp_path / name).mkdir()
        async with city(tmp_path / name) as town:
            await town.add_schema(BASE)
            await Holder(town).receive(identified())
        (row,) = dump(tmp_path / name)["composite_offer"]
        (holder,) = dump(tmp_path / name)["holder"]
        assert row[3] == holder[2]
        kept += [row[3], holder[1], row[6]]
    assert len({*kept}) == len(kept)
    assert {len(each) for each in kept} == {32}
