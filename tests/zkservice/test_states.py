"""How keys and accumulators stand, read in one call, and what goes out unasked."""

from pathlib import Path

import pytest

import tlog
from disclosure import IssuerKeyName, KeyState, issuer_key_name
from disclosure.registry import issuer_key_entry, issuer_key_state_entry
from tests.zkservice.revoking import Office, new_handles
from tests.zkservice.support import City, city, refusal
from wire.convert import issuer_key_of
from zkproto.v1 import catalog_pb2
from zkproto.v1 import publication_pb2 as pb
from zkservice.tasks import MAX_NAMES

Key = catalog_pb2.IssuerKey


async def keys_of(town: City) -> list[str]:
    asked = catalog_pb2.ListIssuerKeysRequest(parent="departments/police")
    return [each.name for each in (await town.catalog.ListIssuerKeys(asked)).issuer_keys]


async def test_states_come_in_the_order_of_what_was_asked_with_their_proofs(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        offices = [await Office.open(town, "police", town.department_token) for _ in range(2)]
        names = await keys_of(town)
        wanted = [each.accumulator.key.octets for each in offices]
        log = tlog.Verifier.from_string(town.ready.verifier_key)
        for order in (1, -1):
            asked = pb.ReadStatesRequest(issuer_keys=names[::order], accumulators=wanted[::order])
            states = await town.publication.ReadStates(asked)
            assert [each.name for each in states.issuer_keys] == names[::order]
            for each in states.issuer_keys:
                tlog.ProofFile.parse(each.proof).verify(issuer_key_entry(issuer_key_of(each)), log)
            assert [each.accumulator for each in states.epochs] == [
                str(each.accumulator.name) for each in offices[::order]
            ]
        assert not (await town.publication.ReadStates(pb.ReadStatesRequest())).issuer_keys


async def test_states_are_told_as_they_are(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        office = await Office.open(town, "police", town.department_token)
        asked = pb.ReadStatesRequest(accumulators=[office.accumulator.key.octets])
        assert (await town.publication.ReadStates(asked)).epochs[0].number == 0
        await office.revoke(*new_handles(1))
        assert (await town.publication.ReadStates(asked)).epochs[0].number == 1
        (name, *_) = await keys_of(town)
        asked = pb.ReadStatesRequest(issuer_keys=[name])
        assert (await town.publication.ReadStates(asked)).issuer_keys[0].state == Key.STATE_ACTIVE
        ended = catalog_pb2.UpdateIssuerKeyStateRequest(
            name=name, expected_state=Key.STATE_ACTIVE, state=Key.STATE_VERIFY_ONLY
        )
        await town.catalog.UpdateIssuerKeyState(ended, metadata=town.bearer(town.department_token))
        (key,) = (await town.publication.ReadStates(asked)).issuer_keys
        assert key.state == Key.STATE_VERIFY_ONLY
        entry = issuer_key_state_entry(IssuerKeyName.parse(name), KeyState.VERIFY_ONLY)
        log = tlog.Verifier.from_string(town.ready.verifier_key)
        tlog.ProofFile.parse(key.state_proof).verify(entry, log)


@pytest.mark.parametrize(
    ("asked", "reason", "field"),
    [
        (pb.ReadStatesRequest(issuer_keys=["departments/police"]), "NAME_INVALID", "issuer_keys[0]"),
        (pb.ReadStatesRequest(accumulators=[bytes(95)]), "FIELD_INVALID", "accumulators[0]"),
        (pb.ReadStatesRequest(accumulators=[bytes(96)]), "NOT_FOUND", "accumulators[0]"),
        (pb.ReadStatesRequest(accumulators=[bytes(96)] * (MAX_NAMES + 1)), "BATCH_TOO_LARGE", ""),
    ],
)
async def test_what_cannot_be_read_is_refused(
    tmp_path: Path, asked: pb.ReadStatesRequest, reason: str, field: str
) -> None:
    async with city(tmp_path) as town:
        error = await refusal(town.publication.ReadStates(asked))
        assert error.reason == reason
        assert [each.field for each in error.violations] == ([field] if field else [])


async def test_one_name_that_is_not_registered_refuses_the_call(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        (name, *_) = await keys_of(town)
        key = IssuerKeyName.parse(name)
        other = issuer_key_name(key.department, "BBS_BLS12381G1_XMD:SHA-256_SSWU_RO_", bytes(96))
        asked = pb.ReadStatesRequest(issuer_keys=[name, str(other)])
        error = await refusal(town.publication.ReadStates(asked))
        assert error.reason == "NOT_FOUND"
