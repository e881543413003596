"""The composite form over OpenID4VP: what is asked stays hidden and is proven, over TLS and by name."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from disclosure import RefusedError
from disclosure.composite import at_least
from openid.app.sessions import Device
from openid.encryption import ResponseKeys
from openid.errors import OpenIdError
from openid.issuance import make_jwt_proof
from openid.response import Submission, response_form
from openid.strict_json import to_base64url
from openid.wallet.fetching import Fetcher
from openid.wallet.presenting import Invitation, fetch_object, post_answer
from prover import CompositeConsent, UsageState, Vault, VaultKeys, check_usage
from prover.client import Brought
from prover.store import Store
from tests.disclosure.composite.policy import op
from tests.disclosure.composite.world import INSURANCE
from tests.disclosure.composite.world import PERMIT as COMPOSITE_PERMIT
from tests.openid.edges import Edge, edge, forms_of
from tests.openid.issuers import claiming, hand_in, issuer
from tests.openid.test_openid_presenting import made_for, post
from tests.openid.wallets import answer, fetched, submission_of
from tests.prover.composite_town import NUMBER, CompositeTown
from tests.prover.town import running
from tests.zkservice.composite_city import furnished
from verifier.client import CompositeAnswered
from zkservice.config import Settings
from zkservice.tls import server_files


@pytest.fixture(scope="module")
def composite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CompositeTown]:
    with running(tmp_path_factory.mktemp("composite") / "data") as started:
        yield CompositeTown(started, started.run(furnished(started.city)))


@pytest.fixture(scope="module")
def stocked(
    composite: CompositeTown, empty_vault: tuple[Path, VaultKeys], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Vault]:
    path = Path(shutil.copy2(empty_vault[0], tmp_path_factory.mktemp("vault") / "my.vault"))
    with Vault(Store.open(path), empty_vault[1]) as made:
        made.composite.trust(composite.regulator)
        yield composite.stock(made)


@pytest.fixture(scope="module")
def school(composite: CompositeTown) -> Iterator[Edge]:
    def make() -> Any:
        return composite.city.request(composite.branch(), composite.small())

    with edge(composite.town, make) as made:
        yield made


def test_all_that_can_be_asked_is_answered_and_only_the_shown_is_seen(
    composite: CompositeTown, stocked: Vault, school: Edge
) -> None:
    seen: list[CompositeConsent] = []
    with school.browser() as page:
        opened = fetched(composite.town, school.open(page, "cross"))

        def agrees(consent: Any) -> bool:
            seen.append(consent)
            return True

        usage, _ = answer(composite.town, stocked, opened, agrees=agrees)
        told = school.result(page)
    assert usage.state is UsageState.ANSWERED
    assert check_usage(usage, composite.log)
    assert len(seen) == 1
    assert told["branch"] == "main"
    shown = {each["query"]: set(each["values"]) for each in told["credentials"]}
    assert shown == {"permit": {"name", "remark"}, "insurance": {"employed"}, "household": set()}
    assert set(told["pseudonyms"]) == {"me", "child"}
    assert "months" not in str(told)
    assert school.accepted[-1].record.receipt == usage.receipt


def test_of_an_encrypted_answer_neither_values_nor_pseudonyms_leave_the_edge(
    composite: CompositeTown, stocked: Vault
) -> None:
    def make() -> Any:
        return composite.city.request(composite.branch(), composite.small())

    with edge(composite.town, make, keys=ResponseKeys()) as hidden, hidden.browser() as page:
        usage, _ = answer(composite.town, stocked, fetched(composite.town, hidden.open(page, "cross")))
        told = hidden.result(page)
    assert (told["state"], set(told)) == ("accepted", {"policy", "state", "expires"})
    (answered,) = hidden.accepted
    assert isinstance(answered, CompositeAnswered)
    assert usage.receipt is not None
    shown = [each.shown.values for each in answered.verified.answer.credentials]
    values = [value for each in shown for value in each.values() if isinstance(value, str)]
    assert values
    assert answered.verified.pseudonyms
    for value in [*values, *answered.verified.pseudonyms.values()]:
        for form in forms_of(value):
            assert form not in b"\n".join(hidden.sent)
            assert form not in usage.receipt


def test_an_answer_is_one_of_a_whole_branch(composite: CompositeTown, stocked: Vault, school: Edge) -> None:
    with school.browser() as page:
        opened = fetched(composite.town, school.open(page, "cross"))
        good = made_for(composite.town, stocked, opened)
        body = response_form(opened.object.request, good, opened.object.state)
        for before, after in (
            (b"main-insurance", b"main-permit"), (b"main-household", b"small-permit"),
            (b"%22main-household%22", b"%22main-other%22"), (b"zk-disclosure.in", b"zk-disclosure.of"),
        ):  # fmt: skip
            spoilt = body.replace(before, after)
            assert spoilt != body
            refused = post(school, spoilt)
            assert refused.status_code == 400
            assert refused.json()["zk-disclosure.reason"] == "RESPONSE_INVALID"
        octets = bytearray(good.presentation.canonical)
        octets[-5] ^= 1
        spoilt = body.replace(
            to_base64url(good.presentation.canonical).encode(), to_base64url(bytes(octets)).encode()
        )
        assert post(school, spoilt).json()["zk-disclosure.reason"] == "PROOF_INVALID"
        assert school.result(page)["state"] == "pending"
        post_answer(Fetcher(local=True), opened, good)
        assert school.result(page)["state"] == "accepted"


def test_an_edge_that_asks_more_than_its_policy_is_refused_by_the_vault(
    composite: CompositeTown, stocked: Vault, school: Edge
) -> None:
    """The service would have refused it already: the vault does not rely on that."""
    with school.browser() as page:
        opened = fetched(composite.town, school.open(page, "cross"))
    asked = composite.city.request(replace(composite.small(), predicates=(at_least(op("permit.months"), 1),)))
    other = composite.city.sign(replace(asked, policy=None))
    brought = Brought(other, opened.signer, lambda _: b"")
    with pytest.raises(RefusedError, match="POLICY_UNKNOWN"):
        composite.client().answer(opened.object.link, stocked, composite.log, lambda _: True, brought=brought)


def test_who_brings_another_s_request_is_refused(
    composite: CompositeTown, stocked: Vault, school: Edge
) -> None:
    """A verifier of the city wraps the school's request in an object of its own, to be sent the answer."""
    with school.browser() as page:
        opened = fetched(composite.town, school.open(page, "cross"))
    bank = composite.town.city.verifier_keys["bank"].public_key().public_bytes_raw()
    for signer in (bank, bytes(32)):
        brought = Brought(opened.object.signed, signer, lambda _: b"")
        with pytest.raises(RefusedError, match="REQUEST_SIGNATURE_INVALID"):
            composite.client().answer(
                opened.object.link, stocked, composite.log, lambda _: True, brought=brought
            )


def test_over_tls_the_edge_is_who_its_certificate_says(composite: CompositeTown, stocked: Vault) -> None:
    data = composite.town.city.ready.data
    chain, key = server_files(Settings(data=data, dev=True))
    root = (data / "ca.pem").read_bytes()

    def make() -> Any:
        return composite.city.request(composite.small())

    with edge(composite.town, make, named=True, certificate=chain, private_key=key) as secure:
        begun = composite.town.run(secure_session(secure))
        invitation = Invitation.parse(secure.inner.identity.invitation(begun.handle))
        now = composite.town.city.clock()
        with pytest.raises(OpenIdError, match="EDGE_UNREACHABLE"):
            fetch_object(Fetcher(local=True), invitation, now)
        wallet = Fetcher(local=True, root=root)
        opened = fetch_object(wallet, invitation, now)

        def send(usage: Any) -> bytes:
            return post_answer(wallet, opened, submission_of(usage))[0]

        usage = composite.client().answer(
            opened.object.link, stocked, composite.log, lambda _: True,
            brought=Brought(opened.object.signed, opened.signer, send),
        )  # fmt: skip
        assert usage.state is UsageState.ANSWERED
        assert begun.session.state.value == "accepted"


async def secure_session(secure: Edge) -> Any:
    return secure.inner.ask("school", Device.CROSS)


def test_a_submission_shows_nothing_in_its_repr(composite: CompositeTown, stocked: Vault) -> None:
    usage = stocked.usages()[0]
    made = Submission(usage.presentation, usage.holder_note, usage.request_id)
    assert repr(made) == "Submission()"


# OpenID4VCI in the composite form


def test_credentials_are_claimed_by_commitment_and_by_presentation(
    composite: CompositeTown, empty: Vault
) -> None:
    started = composite.town
    with issuer(started, COMPOSITE_PERMIT, INSURANCE, path="") as edge:
        for schema, options in (
            (COMPOSITE_PERMIT, {"person": b"4711"}),
            (INSURANCE, {"required": {"number": NUMBER}}),
        ):
            handed = hand_in(edge, schema, composite.offer(schema, **options))
            taken = claiming(started, handed["uri"])
            link = taken.ready(0)
            assert link is not None
            held = composite.client().claim(link, empty, composite.log, lambda _: True, send=taken.send)
            taken.accepted()
            assert held.schema == schema
        # Of the other form nothing is claimed.
        handed = hand_in(edge, INSURANCE, composite.offer(INSURANCE, required={"number": NUMBER}))
        taken = claiming(started, handed["uri"])
        nonce = httpx.post(f"{edge}/nonce", timeout=60).json()["c_nonce"]
        body = {
            "credential_configuration_id": str(INSURANCE.name),
            "zk-disclosure.request_id": "0b6f7f3e-7c4e-4d5b-9d38-111111111111",
        }
        wrong: list[Any] = [
            {"jwt": [make_jwt_proof(edge, nonce, started.city.clock())]},
            {"zk-disclosure.commitment": [{"commitment": "AAAA", "nonce": "x"}]},
            {"zk-disclosure.commitment": []},
            {"zk-disclosure.commitment": [{"commitment": "!", "nonce": nonce}]},
            {"zk-disclosure.presentation": [{"presentation": "_w", "nonce": nonce}]},
            {},
            [],
        ]
        for proofs in wrong:
            refused = httpx.post(
                f"{edge}/credential",
                json=body | {"proofs": proofs},
                headers={"Authorization": f"Bearer {taken.token}"},
                timeout=60,
            )
            assert refused.status_code == 400
            assert refused.json()["error"] in ("invalid_proof", "invalid_nonce")
        refused = httpx.post(
            f"{edge}/credential",
            json=body | {"proofs": {"zk-disclosure.commitment": [{"commitment": "AAAA", "nonce": nonce}]}},
            headers={"Authorization": f"Bearer {taken.token}"},
            timeout=60,
        )
        assert refused.json()["error"] == "credential_request_denied"
