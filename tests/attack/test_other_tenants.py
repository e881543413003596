"""Names of one's own that lead to another's, and what belongs to another where only the database knows it.

That each method refuses another tenant of its role is in tests/zkservice/test_roles_walk.py. Here the names
themselves lie, in every method whose owner stands in a name, as the table of roles has them.
"""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any, Final

import pytest
import pytest_asyncio

from tests.attack.target import Target, attacked
from tests.zkservice import consenting
from tests.zkservice.residents import Resident, accounts
from tests.zkservice.sessions import opened
from tests.zkservice.support import refusal
from tests.zkservice.walking import first
from tests.zkservice.wiring import Method, filled, methods
from zkproto.v1 import account_pb2, consent_pb2, presentation_pb2
from zkservice.roles import TABLE, Role

in_module = pytest.mark.asyncio(loop_scope="module")


def _owner_in(method: Method) -> str:
    """Return the field of a method's request that names the department whose it is; nothing if none does."""
    whose = TABLE[method.path].roles.get(Role.DEPARTMENT)
    named = whose is not None and whose.path and whose.stored is None and not whose.anybodys
    return whose.path if named and whose is not None and not whose.collection else ""


METHODS: Final = [each for each in methods() if _owner_in(each) and each.part != ":next"]
UNSEEN: Final = ("NOT_FOUND", "NOT_FOUND")
LYING: Final = (
    "departments/police",
    "departments/police/schemas/residence_permit@1",
    "departments/attacker/../police",
    "departments/attacker/../../departments/police/issuerKeys/x",
    "departments/attacker\0/../police",
    "departments/attacker%2f..%2fpolice",
    "departments//police",
    "/departments/police",
    "departments/Police",
    "departments/ｐolice",
    "departments/police\u200b",
    "departments/attacker,departments/police",
    "departments/attacker\ndepartments/police",
    "departments/*",
    "departments/-",
    "departments/%",
    "verifiers/attacker",
    "",
)
"""Shown with the token of `departments/attacker`."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def target(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    async with attacked(tmp_path_factory.mktemp("tenants")) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def token(target: Target) -> str:
    return await target.city.add_department("attacker")


def test_the_table_has_methods_of_departments() -> None:
    assert len(METHODS) >= 8


@in_module
@pytest.mark.parametrize("method", METHODS, ids=lambda each: each.name)
async def test_a_name_that_lies_leads_to_nobody_elses(target: Target, token: str, method: Method) -> None:
    *way, last = _owner_in(method).split(".")
    for name in LYING:
        message: Any = filled(method.request)
        within = message
        for each in way:
            within = getattr(within, each)
        setattr(within, last, name)
        before = target.rows()
        call = first(target.city, method, [message.SerializeToString()], target.city.bearer(token))
        error = await refusal(call)
        assert error.code.name in {"PERMISSION_DENIED", "INVALID_ARGUMENT", "NOT_FOUND"}, (name, error)
        assert error.reason not in {"", "INTERNAL"}
        if name.startswith("departments/police") and name.isascii():
            assert (error.code.name, error.reason) == ("PERMISSION_DENIED", "TOKEN_INVALID"), name
        assert target.rows() == before, name


@in_module
async def test_a_verifier_reads_nothing_of_anothers_exchange_or_consent(target: Target) -> None:
    """Names are no secrets: with a token of its own exchange, a verifier gets at its own exchange only."""
    town = target.city
    theirs, own = await town.ask(town.request("school")), await town.ask(town.request("bank"))
    for shown in (own.result_token, own.ticket, theirs.ticket, "", "x" * 43, town.admin, theirs.exchange):
        asked = presentation_pb2.WatchExchangeRequest(exchange=theirs.exchange, result_token=shown)
        await target.refuses(partial(read_first, town.presentation.WatchExchange, asked), *UNSEEN)
    for shown in (own.ticket, own.result_token, theirs.result_token, "", "x" * 43, town.admin):
        fetch = presentation_pb2.FetchRequestRequest(exchange=theirs.exchange, ticket=shown)
        await target.refuses(partial(town.presentation.FetchRequest, fetch), *UNSEEN)
    consent, mine = await consenting.granted(town), await consenting.granted(town)
    for shown in (mine.answer.result_token, consent.answer.ticket, "x" * 43):
        watch = consent_pb2.WatchConsentRequest(consent=consent.answer.consent, result_token=shown)
        call = partial(read_first, consenting.stub(town).WatchConsent, watch)
        await target.refuses(call, *UNSEEN)
    withdrawn = consent.withdrawing()
    metadata = town.bearer(await mine.token())
    error = await refusal(consenting.stub(town).WithdrawConsent(withdrawn, metadata=metadata))
    assert error.reason in {"TOKEN_INVALID", "NOT_FOUND"}


async def read_first(method: Any, asked: Any) -> Any:
    return await method(asked).read()


@in_module
async def test_an_inbox_is_its_holders(target: Target) -> None:
    town = target.city
    holder, other = await Resident.settle(town), await Resident.settle(town)
    await holder.offers()
    stub = accounts(town)
    session = await opened(town, other.account, other.key)
    listed = await stub.ListOffers(account_pb2.ListOffersRequest(), metadata=town.bearer(session))
    assert not listed.offers
    for bearer in (town.department_token, town.admin, "x" * 43):
        await target.refuses(
            partial(stub.ListOffers, account_pb2.ListOffersRequest(), metadata=town.bearer(bearer)),
            "PERMISSION_DENIED",
            "TOKEN_INVALID",
        )
    await target.refuses(
        partial(stub.ListOffers, account_pb2.ListOffersRequest()), "UNAUTHENTICATED", "TOKEN_MISSING"
    )
    error = await refusal(opened(town, holder.account, other.key))
    assert error.reason == "REQUEST_SIGNATURE_INVALID"
