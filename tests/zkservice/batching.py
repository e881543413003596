"""Batches for the tests: holders of several issuers in both suites, members that are false in many ways."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from bbs import SHAKE_256
from bbs.ciphersuite import resolve
from bbs.generators import create_generators
from bbs.proof import InitResult, calculate_challenge
from bbs.scalars import calculate_random_scalars, messages_to_scalars
from bbs.serialization import Proof, proof_to_octets
from bbs.signature import calculate_domain
from disclosure import (
    CredentialPresentation,
    Directory,
    Presentation,
    Request,
    SchemaName,
    Statement,
    sign_request,
    statements_of,
)
from tests.zkservice.support import PERMIT, City, Issued, city, new_id
from verifier.verify import Claim
from wire.client import ServiceError, refusal
from wire.convert import presentation_of, presentation_to, signed_request_of, signed_request_to
from zkproto.v1 import catalog_pb2, presentation_pb2

HEALTH: Final = replace(PERMIT, name=SchemaName("health", "insurance", 1))
"""The schema of a department whose keys are of the other suite."""
Member = presentation_pb2.VerifyPresentationRequest
Verdict = presentation_pb2.PresentationVerdict


@dataclass
class Crowd:
    """A city with holders of three issuer keys, in two suites, and two verifiers that ask them."""

    city: City
    holders: list[Issued]

    def request(self, number: int) -> Request:
        """Ask the holder of this number, by turns: either verifier, one query or two, more shown or less."""
        schema = self.holder(number).schema.name
        shown = ("district",) if number % 2 else ("district", "since", "student")
        queries = ("one", "two") if number % 5 == 0 else ("one",)
        verifier = "bank" if number % 4 == 0 else "school"
        return self.city.request(verifier, shown, schema=schema, queries=queries)

    def holder(self, number: int) -> Issued:
        return self.holders[number % len(self.holders)]

    def answer(self, number: int, request: Request | None = None) -> tuple[Request, Presentation]:
        request = request or self.request(number)
        return request, self.city.present(request, self.holder(number))[0]

    def member(self, request: Request, presentation: Presentation) -> Member:
        signed = sign_request(request, self.city.verifier_keys[request.verifier.verifier])
        return Member(
            signed_request=signed_request_to(signed),
            presentation=presentation_to(presentation, lambda name: PERMIT),  # all schemas have one shape
        )

    def good(self, number: int) -> Member:
        return self.member(*self.answer(number))

    def bad(self) -> Iterator[tuple[str, Member]]:
        """Give false members, each false in one way, with the reason that it gets alone."""
        good = self.good(0)
        for reason, change in (
            ("PROOF_INVALID", _flip_last_bit),
            ("PROOF_INVALID", lambda each: setattr(each.presentation, "usage_tag", bytes(48))),
            ("PROOF_INVALID", _change_value),
            ("PROOF_INVALID", _swap_proofs),
            ("REQUEST_SIGNATURE_INVALID", lambda each: setattr(each.signed_request, "signature", bytes(64))),
            ("REQUEST_INVALID", lambda each: setattr(each.signed_request, "signature", b"short")),
            ("MALFORMED", lambda each: setattr(each.signed_request, "payload", b"none")),
            ("FIELD_MISSING", lambda each: each.ClearField("presentation")),
            ("FIELD_MISSING", lambda each: each.Clear()),
            ("PRESENTATION_INVALID", lambda each: each.presentation.ClearField("usage_tag")),
            ("QUERY_MISMATCH", lambda each: each.presentation.credentials.pop()),
            ("VALUE_INVALID", lambda each: setattr(each.verify_time, "nanos", -1)),
            ("REQUEST_EXPIRED", lambda each: setattr(each.verify_time, "seconds", 1 << 36)),
            ("ISSUER_KEY_UNKNOWN", _name_unknown_key),
        ):  # type: str, Any
            member = Member()
            member.CopyFrom(good)
            change(member)
            yield reason, member
        request, other = self.request(1), self.answer(1)[1]
        yield "REQUEST_MISMATCH", self.member(request, other)
        yield "PROOF_INVALID", self.member(request, replace(other, request_digest=request.digest))
        yield (
            "SCHEMA_UNKNOWN",
            self.member(self.city.request(schema=SchemaName("health", "nothing", 1)), other),
        )

    def cancelling(self, number: int) -> list[Member]:
        """Two forgeries without any signature, for one key, whose errors cancel under equal coefficients."""
        return [self._forgery(number, sign) for sign in (1, -1)]

    def _forgery(self, number: int, sign: int) -> Member:
        request, presentation = self.answer(number)
        holder, now = self.holder(number), self.city.clock()
        messages = holder.schema.messages(holder.credential.expiry, holder.credential.values)
        directory = Directory({holder.schema.name: holder.schema}, {holder.key.name: holder.key})
        shown = tuple(each.shown for each in presentation.credentials)
        statements = statements_of(
            request, shown, presentation.usage_tag, presentation.note_hash, directory, now
        )
        parts = tuple(
            CredentialPresentation(each, forged(statement, messages, sign))
            for each, statement in zip(shown, statements, strict=True)
        )
        return self.member(request, replace(presentation, credentials=parts))

    def claim(self, number: int, member: Member) -> Claim:
        """Return a member of a holder for verification without the service."""
        holder, request = self.holder(number), signed_request_of(member.signed_request).request
        directory = Directory({holder.schema.name: holder.schema}, {holder.key.name: holder.key})
        return Claim(request, presentation_of(member.presentation), directory, self.city.clock())

    async def batch(self, *members: Member) -> list[Verdict]:
        message = presentation_pb2.BatchVerifyPresentationsRequest(requests=members)
        answer = await self.city.presentation.BatchVerifyPresentations(message)
        return list(answer.verdicts)


def forged(statement: Statement, messages: Any, sign: int) -> bytes:
    """A proof without a signature whose challenge holds, and whose pairing equation does not."""
    suite = resolve(statement.suite)
    group, r = suite.group, suite.r
    generators = create_generators(len(messages) + 1, suite.api_id, suite=suite)
    scalars = messages_to_scalars(messages, suite.api_id, suite=suite)
    domain = calculate_domain(statement.public_key, generators, statement.header, suite.api_id)
    B = generators.combine((1, domain, *scalars))
    a, e, r1, r2 = 5, 7, 11 * sign, 13
    D, Abar = group.msm((B,), (r2,)), group.msm((group.BP1,), (a * sign,))
    Bbar = group.msm((D, Abar), (r1, -e))
    e_tilde, r1_tilde, r3_tilde, *tildes = calculate_random_scalars(3 + len(messages))
    shown = statement.disclosed_indexes
    hidden = [index for index in range(len(messages)) if index not in shown]
    m_tilde = [0 if index in shown else each for index, each in enumerate(tildes)]
    T1 = group.msm((Abar, D), (e_tilde, r1_tilde))
    T2 = generators.combine((0, 0, *m_tilde), (D,), (r3_tilde,))
    c = calculate_challenge(
        InitResult(Abar, Bbar, D, T1, T2, domain),
        [scalars[index] for index in shown],
        shown,
        statement.presentation_header,
        suite.api_id,
        suite=suite,
    )
    hats = tuple((m_tilde[index] + scalars[index] * c) % r for index in hidden)
    e_hat, r1_hat = (e_tilde + e * c) % r, (r1_tilde - r1 * c) % r
    r3_hat = (r3_tilde - pow(r2, -1, r) * c) % r
    return proof_to_octets(Proof(Abar, Bbar, D, e_hat, r1_hat, r3_hat, hats, c), suite=suite)


def told(verdict: Verdict) -> tuple[str, str, str]:
    """Return what a refused member is told: code, reason, field; the code OK if it holds."""
    if verdict.HasField("verified"):
        return "OK", "", ""
    return refused(refusal(verdict.refused))


def refused(error: ServiceError) -> tuple[str, str, str]:
    assert error.detail
    return error.code.name, error.reason, ",".join(each.field for each in error.violations)


@asynccontextmanager
async def crowd(folder: Path, **settings: Any) -> AsyncIterator[Crowd]:
    """Start a server with two departments: one with two keys, one with a key of the other suite."""
    async with city(folder, **settings) as town:
        holders = [await town.claim(await town.issue())]
        await town.add_key("police")
        holders.append(await town.claim(await town.issue()))
        token = await town.add_department("health")
        await town.add_schema(HEALTH)
        await town.catalog.CreateIssuerKey(
            catalog_pb2.CreateIssuerKeyRequest(
                parent="departments/health", suite=SHAKE_256.ciphersuite_id.decode(), request_id=new_id()
            ),
            metadata=town.bearer(town.admin),
        )
        holders.append(await town.claim(await town.issue(schema=HEALTH, token=token), HEALTH))
        assert len({(each.key.name, each.key.suite) for each in holders}) == 3
        yield Crowd(town, holders)


def _flip_last_bit(member: Member) -> None:
    last = member.presentation.credentials[-1]
    last.proof = last.proof[:-1] + bytes([last.proof[-1] ^ 1])


def _change_value(member: Member) -> None:
    member.presentation.credentials[0].values[0].value.code = "370103"


def _swap_proofs(member: Member) -> None:
    one, two = member.presentation.credentials
    one.proof, two.proof = two.proof, one.proof


def _name_unknown_key(member: Member) -> None:
    for each in member.presentation.credentials:
        each.issuer_key = f"departments/police/issuerKeys/{'0' * 32}"
