"""Whom the documents of a claim are bound to: the first commitment that holds says it, whoever asks then."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest_asyncio

import bbs
from bbs.scalars import calculate_random_scalars
from disclosure.w3c import commit
from tests.zkservice.stored import selected
from tests.zkservice.support import City, city, new_id
from zkproto.v1 import issuance_pb2


@pytest_asyncio.fixture
async def town(tmp_path: Path) -> AsyncIterator[City]:
    async with city(tmp_path) as opened:
        yield opened


async def _message(town: City) -> issuance_pb2.ClaimW3cCredentialRequest:
    offer = await town.issue()
    return issuance_pb2.ClaimW3cCredentialRequest(
        offer=offer.offer, claim_code=offer.claim_code, request_id=new_id()
    )


def _with(message: issuance_pb2.ClaimW3cCredentialRequest, commitment: bytes) -> Any:
    asked = issuance_pb2.ClaimW3cCredentialRequest()
    asked.CopyFrom(message)
    asked.commitment = commitment
    return asked


def _again(secret: bytes, blind: int) -> bytes:
    return commit(secret, rng=lambda count: [blind, *calculate_random_scalars(count - 1)])[0]


def _kept(town: City) -> list[Any]:
    return [row[0] for row in selected(town.ready.data, "select document_holder from offer")]


async def _reason(call: Any) -> str:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error.code().name
    return "OK"


async def test_the_same_commitment_with_another_proof_is_answered_again(town: City) -> None:
    message, blind = await _message(town), 1 + bbs.SHA_256.r // 3
    first, second = _again(b"a secret", blind), _again(b"a secret", blind)
    assert first != second
    for each in (first, second, first):
        assert (await town.issuance.ClaimW3cCredential(_with(message, each))).document
    (kept,) = _kept(town)
    assert len(kept) == 32
    assert kept not in first


async def test_a_commitment_that_does_not_hold_binds_nobody(town: City) -> None:
    message, good = await _message(town), commit(b"a secret")[0]
    for bad, reason in (
        (good[:-1] + bytes([good[-1] ^ 1]), "INVALID_ARGUMENT"),
        (good[:48], "INVALID_ARGUMENT"),
    ):
        assert await _reason(town.issuance.ClaimW3cCredential(_with(message, bad))) == reason
        assert _kept(town) == [None]
    assert (await town.issuance.ClaimW3cCredential(_with(message, good))).document


async def test_of_several_holders_at_once_one_has_the_documents(town: City) -> None:
    message = await _message(town)
    asked = [commit(bytes([each]) * 8)[0] for each in range(4)] + [b""]
    calls = (_reason(town.issuance.ClaimW3cCredential(_with(message, each))) for each in asked)
    assert sorted(await asyncio.gather(*calls)) == ["ALREADY_EXISTS"] * 4 + ["OK"]


async def test_a_plain_claim_binds_nobody_and_an_acknowledged_one_is_forgotten(town: City) -> None:
    message = await _message(town)
    plain = {"offer": message.offer, "claim_code": message.claim_code, "request_id": message.request_id}
    await town.issuance.ClaimCredential(issuance_pb2.ClaimCredentialRequest(**plain))
    assert _kept(town) == [None]
    await town.issuance.ClaimW3cCredential(_with(message, commit(b"a secret")[0]))
    await town.issuance.ClaimCredential(issuance_pb2.ClaimCredentialRequest(**plain))
    assert _kept(town) != [None]
    await town.issuance.AcknowledgeCredential(issuance_pb2.AcknowledgeCredentialRequest(**plain))
    assert _kept(town) == [None]
