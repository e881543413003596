"""What an approver is shown: every field, and nothing that steers a terminal or would stay hidden."""

import datetime as dt
from dataclasses import replace

import pytest

from tests.zkservice.wiring import filled
from zk import actions
from zk.clients.administration import ListedAction
from zk.exits import CommandError, Exit
from zk.home import Home
from zk.messages import Language
from zk.run import Run
from zkproto.v1 import catalog_pb2
from zkproto.v1.attribute_pb2 import LocalizedText
from zkservice.services.acting import PROPOSABLE

NOW = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
REQUEST = catalog_pb2.CreateVerifierRequest(
    verifier_id="school",
    verifier=catalog_pb2.Verifier(public_key=b"\x01\x02", display_name=LocalizedText(en="S")),
)
ACTION = ListedAction(
    "actions/x", "zkproto.v1.CatalogService/CreateVerifier", REQUEST.SerializeToString(deterministic=True),
    "administrators/ann", "", "proposed", "", "", NOW, NOW, (),
)  # fmt: skip


def run(lang: Language = "en") -> Run:
    return Run(as_json=False, lang=lang, home=Home.default())


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_field_has_a_line(lang: Language) -> None:
    lines = actions.lines(run(lang), ACTION)
    assert [each for each in lines if each.startswith("  ")] == [
        "  verifier_id = 'school'",
        "  verifier.display_name.en = 'S'",
        "  verifier.public_key = 0102",
    ]
    assert ACTION.method in lines
    assert ACTION.digest.hex() in lines[-1]
    assert "administrators/ann" in "".join(lines)


@pytest.mark.parametrize("method", sorted(PROPOSABLE))
def test_no_field_of_any_method_is_left_out(method: str) -> None:
    message = filled(PROPOSABLE[method].descriptor.input_type, 6)
    shown = list(actions.fields(message))
    assert len(shown) == len(set(shown)) == _count(message)


def _count(message: object) -> int:
    """Count the plain values of a message, and what is empty below it."""
    found = 0
    for field, value in message.ListFields():  # type: ignore[attr-defined]
        for each in value if field.is_repeated else [value]:
            found += 1 if field.message_type is None else max(1, _count(each))
    return found


def test_an_empty_message_is_shown_too() -> None:
    empty = catalog_pb2.CreateVerifierRequest(verifier=catalog_pb2.Verifier())
    assert list(actions.fields(empty)) == ["verifier = {}"]


def test_enumerations_are_named_and_unknown_ones_are_numbers() -> None:
    request = catalog_pb2.UpdateIssuerKeyStateRequest(state=catalog_pb2.IssuerKey.STATE_RETIRED)
    assert list(actions.fields(request)) == ["state = STATE_RETIRED (3)"]
    request = catalog_pb2.UpdateIssuerKeyStateRequest.FromString(b"\x18\x63")
    assert [each.rpartition(" ")[2] for each in actions.fields(request)] == ["99"]


def test_nothing_steers_the_terminal() -> None:
    odd = named("a\x1b[2Kb\u202ec\n  verifier_id = 'school'")
    shown = "".join(actions.lines(run(), odd))
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert len([each for each in actions.lines(run(), odd) if each.startswith("  verifier_id")]) == 1


def named(name: str) -> ListedAction:
    octets = catalog_pb2.CreateVerifierRequest(verifier_id=name).SerializeToString(deterministic=True)
    return replace(ACTION, request=octets)


@pytest.mark.parametrize("hidden", [b"\x1a\x01x", b"\x0a\x05other", b"\x78\x01"])
def test_what_would_stay_hidden_is_not_shown_at_all(hidden: bytes) -> None:
    for octets in (ACTION.request + hidden, hidden + ACTION.request):
        with pytest.raises(CommandError) as caught:
            actions.lines(run(), replace(ACTION, request=octets))
        assert (caught.value.exit_code, caught.value.reason) == (Exit.NOT_VERIFIED, "ACTION_UNREADABLE")
    with pytest.raises(CommandError, match="ACTION_UNREADABLE"):
        actions.lines(run(), replace(ACTION, method="zkproto.v1.CatalogService/Unknown"))
