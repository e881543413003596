"""What a vault keeps for sums across two holders: through crashes, for one request, and until it ends."""

import datetime as dt
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from disclosure import ExchangeLink, MalformedError, RefusedError, sign_request
from disclosure.composite import CompositeRequest, HandoverKey, KeptOpening, hand_over
from prover import ContentError, Vault, VaultKeys
from prover.composite.handing import AskedOpening, SealedNumber, SealedPart
from prover.composite.handover_records import (
    KeptKey,
    KeptNumber,
    ReceivedNumber,
    kept_key_of,
    kept_number_of,
    received_number_of,
)
from prover.records import Kind, pack
from prover.store import Store
from tests.disclosure.composite.couple import FIRST, HERS, hers, ours, second
from tests.disclosure.composite.world import NOW, VERIFIER_KEYS
from tests.prover.making import refused

ID = f"{7:032x}"
LATER = ours().expires
Opened = Callable[[dt.datetime], Vault]


@pytest.fixture
def at(empty_vault: tuple[Path, VaultKeys], path: Path) -> Iterator[Opened]:
    """Open the vault at a moment, as another process would."""
    opened: list[Vault] = []

    def open_at(moment: dt.datetime) -> Vault:
        opened.append(Vault(Store.open(path), empty_vault[1], clock=lambda: moment))
        return opened[-1]

    yield open_at
    for each in opened:
        each.close()


def key_of(vault: Vault, request: CompositeRequest) -> HandoverKey:
    signed = sign_request(request, VERIFIER_KEYS[request.verifier])
    return vault.composite.handovers.key_for(signed, request)


def kept() -> KeptOpening:
    return hers().presented.kept["income"]


def sealed(to: bytes, request: CompositeRequest) -> SealedNumber:
    part = SealedPart("ours", "spouse", hand_over(kept(), request, "ours", to, NOW))
    return SealedNumber(request.digest, (part,))


def test_a_vault_has_one_key_for_a_request_also_after_a_crash(at: Opened) -> None:
    first = key_of(at(NOW), ours()).public
    assert key_of(at(NOW), ours()).public == first
    assert key_of(at(NOW), second(hers().number, nonce=bytes(31) + b"\x01")).public != first
    with pytest.raises(RefusedError, match="COMMITMENT_INVALID"):
        key_of(at(NOW), FIRST)


def test_what_was_handed_over_is_there_after_a_crash_and_for_one_branch_of_one_request(at: Opened) -> None:
    request = ours()
    number = sealed(key_of(at(NOW), request).public, request)
    assert at(NOW).composite.handovers.take_over(number) == request
    assert at(NOW).composite.handovers.take_over(number) == request
    contents = at(NOW).composite.contents()
    assert contents.openings(request.digest, "ours")["spouse"].number == HERS
    assert contents.openings(request.digest, "other") == {}
    assert contents.openings(bytes(32), "ours") == {}
    assert not {str(HERS)} & set(re.findall(r"[0-9]+", repr(contents)))


def test_of_what_does_not_open_nothing_is_kept(at: Opened) -> None:
    vault, request = at(NOW), ours()
    key_of(vault, request)
    elsewhere = sealed(HandoverKey.generate().public, request)
    with pytest.raises(RefusedError, match="COMMITMENT_INVALID"):
        vault.composite.handovers.take_over(elsewhere)
    good = sealed(key_of(vault, request).public, request)
    both = replace(good, parts=(*good.parts, *elsewhere.parts))
    with pytest.raises(RefusedError, match="COMMITMENT_INVALID"):
        vault.composite.handovers.take_over(both)
    assert vault.composite.contents().received == {}
    another = second(hers().number, nonce=bytes(31) + b"\x02")
    refused(
        ContentError,
        "KEY_NOT_FOUND",
        vault.composite.handovers.take_over,
        sealed(bytes(31) + b"\x09", another),
    )


def test_keys_and_numbers_go_when_their_request_has_ended(at: Opened) -> None:
    request = ours()
    number = sealed(key_of(at(NOW), request).public, request)
    at(NOW).composite.handovers.take_over(number)
    later = replace(
        second(hers().number, nonce=bytes(31) + b"\x03"), created=LATER, expires=LATER + dt.timedelta(hours=1)
    )
    key_of(at(LATER - dt.timedelta(seconds=1)), later)
    assert at(NOW).composite.contents().received
    key_of(at(LATER), later)
    assert at(NOW).composite.contents().received == {}
    refused(ContentError, "KEY_NOT_FOUND", at(NOW).composite.handovers.take_over, number)


def test_records_come_back_and_show_nothing() -> None:
    signed = sign_request(ours(), VERIFIER_KEYS[ours().verifier])
    number = KeptNumber(ID, ID, kept())
    key = KeptKey(ID, signed, HandoverKey.generate())
    received = ReceivedNumber(ID, ours().digest, "ours", "spouse", LATER, kept())
    assert kept_number_of(ID, number.octets()).kept == kept()
    assert kept_key_of(ID, key.octets()).key.public == key.key.public
    again = received_number_of(ID, received.octets())
    assert (again.place, again.ends, again.kept) == (received.place, LATER, kept())
    for each in (number, key, received):
        assert not {str(HERS), str(kept().opening.u)} & set(re.findall(r"[0-9]+", repr(each)))
    for kind in (Kind.KEPT_NUMBER, Kind.HANDOVER_KEY, Kind.RECEIVED_NUMBER):
        for decode in (kept_number_of, kept_key_of, received_number_of):
            with pytest.raises(MalformedError):
                decode(ID, pack([kind.value], b""))


def test_texts_come_back_and_only_whole_ones_are_read() -> None:
    link = ExchangeLink("localhost:1", "a", "ticket")
    asked, number = AskedOpening(link, bytes(range(32))), sealed(HandoverKey.generate().public, ours())
    assert AskedOpening.parse(str(asked)) == asked
    assert SealedNumber.parse(str(number)) == number
    assert "ticket" not in repr(asked)
    for kind, text in ((AskedOpening, str(asked)), (SealedNumber, str(number))):
        for wrong in (text[:-1], text + "A", text + "=", f" {text}", text.replace(":", "::"), text.upper()):
            with pytest.raises(MalformedError):
                kind.parse(wrong)
    with pytest.raises(MalformedError):
        AskedOpening.parse(str(number))
    with pytest.raises(MalformedError):
        SealedNumber.parse(str(asked))
