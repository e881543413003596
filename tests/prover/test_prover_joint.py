"""A sum across two holders, from end to end: two vaults, one verifier, one real server.

She commits to her income in a first answer; the verifier asks him for the sum of both; her vault hands the
number over to his; his answers. Nobody but the two learns either number.
"""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from disclosure import ExchangeLink, MalformedError, RefusedError, VerifierName
from disclosure.composite import CompositeRequest, HandoverKey
from prover import ContentError, NothingFitsError, Usage, UsageState, Vault, composite_lines, told_of
from prover.client import answers
from prover.composite.handing import AskedOpening, SealedNumber
from prover.composite.joint import HandoverConsent, handover_lines
from prover.errors import PresentingError
from tests.disclosure.composite.world import HOUSEHOLD, INSURANCE, PERMIT
from tests.prover.composite_town import NUMBER, CompositeTown
from tests.prover.making import PASSPHRASE, refused
from tests.verifier.test_verifier_client import client_of
from tests.zkservice.allowing import asking
from tests.zkservice.stored import dump
from tests.zkservice.support import new_id
from verifier import (
    CompositePolicy,
    CompositeRecord,
    Counterpart,
    PolicyError,
    RecordError,
    check_composite_policy,
    load_record,
    parse_policy,
    recheck_composite,
)
from verifier.client import CompositeAnswered, CompositeExchange, VerifierClient
from wire.client import ServiceError

SCHOOL = VerifierName("school")
WAIT = dt.timedelta(seconds=30)
HERS, HIS = 812_300, 640_000
QUERIES = f"""\
    queries:
      - {{id: insurance, schemas: [{INSURANCE.name}], shown: [], expiry: today, revocation: waived}}
      - {{id: household, schemas: [{HOUSEHOLD.name}], shown: [], expiry: today, revocation: waived}}
    pseudonyms:
      - {{id: me, scope: support-2026}}
      - {{id: home, of: household.child_secret, scope: support-2026}}
"""
FIRST = f"""\
form: composite
id: support-first
purpose: {{zh: 家庭补助, en: Support for families}}
lifetime: 3600
branches:
  - id: mine
{QUERIES}
    commitments:
      - {{id: income, of: insurance.base}}
"""
SECOND = f"""\
form: composite
id: support-both
purpose: {{zh: 家庭补助, en: Support for families}}
lifetime: 3600
branches:
  - id: ours
{QUERIES}
    predicates:
      - {{sum: [{{of: insurance.base}}, {{foreign: spouse}}], at_least: BOUND}}
    digits: verifiers/school
    foreign:
      - id: spouse
        of: first.income
        holders: {{here: me, there: me}}
        subjects: [{{here: home, there: home}}]
"""


def policy(text: str) -> CompositePolicy:
    parsed = parse_policy(text.encode())
    assert isinstance(parsed, CompositePolicy)
    return parsed


def second(total: int, text: str = SECOND) -> CompositePolicy:
    return policy(text.replace("BOUND", f"{total // 100}.{total % 100:02d}"))


def yes(_: Any) -> bool:
    return True


def no(_: Any) -> bool:
    return False


@dataclass
class Couple:
    """Two people with a vault each, and who asks them."""

    town: CompositeTown
    bank: VerifierClient
    her: Vault
    his: Vault

    def asked(
        self, asking: CompositePolicy, **given: Counterpart
    ) -> tuple[CompositeExchange, list[Counterpart]]:
        now = self.town.town.city.clock()
        request = check_composite_policy(asking, SCHOOL, self.bank.reader, now, given)
        return self.bank.ask(request), [*given.values()]

    def commits(self, vault: Vault | None = None) -> tuple[Usage, CompositeAnswered]:
        """Have one of them commit to an income: she, if none is named."""
        exchange, _ = self.asked(policy(FIRST))
        usage = self.answers(exchange.link, vault or self.her)
        return usage, self.bank.wait(exchange, WAIT)

    def answers(self, link: ExchangeLink, vault: Vault) -> Usage:
        return self.town.client().answer(link, vault, self.town.log, yes)

    def handed(self, link: ExchangeLink, usage: Usage, to: Vault, by: Vault | None = None) -> SealedNumber:
        asked = self.town.client().handover_key(link, to, self.town.log)
        asked = AskedOpening.parse(str(asked))  # as it goes from device to device
        sealed = self.town.client().hand_over(usage.id, asked, by or self.her, self.town.log, yes)
        return SealedNumber.parse(str(sealed))


def stocked(town: CompositeTown, vault: Vault, base: int, home: bytes = bytes(range(32))) -> Vault:
    town.claimed(vault, PERMIT, person=new_id().encode())
    town.claimed(vault, INSURANCE, required={"number": NUMBER}, base=base)
    town.claimed(vault, HOUSEHOLD, required={"number": NUMBER}, child_secret=home)
    return vault


@pytest.fixture(scope="module")
def couple(the_composite_town: CompositeTown, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Couple]:
    folder, town = tmp_path_factory.mktemp("couple"), the_composite_town
    clock = town.town.city.clock
    with (
        Vault.create(folder / "her", PASSPHRASE, clock=clock) as her,
        Vault.create(folder / "his", PASSPHRASE, clock=clock) as his,
        client_of(town.town.city) as bank,
    ):
        for each in (policy(FIRST), second(0)):
            town.town.run(town.town.city.add_policy(asking(each, SCHOOL)))
        yield Couple(town, bank, stocked(town, her, HERS), stocked(town, his, HIS))


@pytest.fixture(scope="module")
def hers(couple: Couple) -> tuple[Usage, CompositeAnswered]:
    return couple.commits()


First = tuple[Usage, CompositeAnswered]


def test_a_sum_of_two_incomes_is_proven_kept_and_checked_again(
    couple: Couple, hers: First, tmp_path: Path
) -> None:
    usage, answered = hers
    exchange, given = couple.asked(second(HERS + HIS), first=answered.counterpart)
    with pytest.raises(NothingFitsError, match="other-holder"):
        couple.answers(exchange.link, couple.his)
    couple.his.composite.handovers.take_over(couple.handed(exchange.link, usage, couple.his))
    his = couple.answers(exchange.link, couple.his)
    assert his.state is UsageState.ANSWERED
    both = couple.bank.wait(exchange, WAIT, given)
    assert both.verified.answer.branch == "ours"
    assert both.verified.pseudonyms["home"] == answered.verified.pseudonyms["home"]
    assert both.verified.pseudonyms["me"] != answered.verified.pseudonyms["me"]
    # The service says the same, by the answers that it has accepted itself.
    record = both.record
    said = couple.bank.verify_remote(record.signed_request, record.presentation)
    assert said.pseudonyms == both.verified.pseudonyms
    first = couple.bank.verify_remote(answered.record.signed_request, answered.record.presentation)
    assert first.commitments == {"income": answered.verified.commitments["income"].K}
    # The record holds years later, by itself.
    record.save(tmp_path / "both.json")
    kept = load_record(tmp_path / "both.json")
    assert isinstance(kept, CompositeRecord)
    assert kept.to_bytes() == record.to_bytes()
    rechecked = recheck_composite(kept, log_verifier=couple.town.log)
    assert rechecked.verified == both.verified
    assert rechecked.others == (answered.verified,)


def test_one_cent_more_is_not_proven(couple: Couple, hers: First) -> None:
    usage, answered = hers
    exchange, _ = couple.asked(second(HERS + HIS + 1), first=answered.counterpart)
    couple.his.composite.handovers.take_over(couple.handed(exchange.link, usage, couple.his))
    with pytest.raises(NothingFitsError, match=r"predicates\[0\] \(unmet\)"):
        couple.answers(exchange.link, couple.his)


def test_one_person_does_not_stand_on_both_sides(couple: Couple, hers: First) -> None:
    usage, answered = hers
    exchange, _ = couple.asked(second(1000), first=answered.counterpart)
    couple.her.composite.handovers.take_over(couple.handed(exchange.link, usage, couple.her))
    before = dump(couple.town.town.city.ready.data)
    with pytest.raises(ServiceError) as error:
        couple.answers(exchange.link, couple.her)
    assert error.value.reason == "UNSATISFIED"
    assert [each.field for each in error.value.violations] == ["signed_request.branches[0].foreign[0].holder"]
    assert dump(couple.town.town.city.ready.data) == before


def test_two_households_do_not_add_up(couple: Couple, hers: First, tmp_path: Path) -> None:
    usage, answered = hers
    exchange, _ = couple.asked(second(1000), first=answered.counterpart)
    clock = couple.town.town.city.clock
    with Vault.create(tmp_path / "stranger", PASSPHRASE, clock=clock) as stranger:
        stocked(couple.town, stranger, HIS, bytes(32 * [7]))
        stranger.composite.handovers.take_over(couple.handed(exchange.link, usage, stranger))
        with pytest.raises(ServiceError) as error:
            couple.answers(exchange.link, stranger)
    assert error.value.reason == "UNSATISFIED"
    assert [each.field for each in error.value.violations] == [
        "signed_request.branches[0].foreign[0].subjects[0]"
    ]


def test_an_opening_for_another_vault_request_or_number_is_not_taken(couple: Couple, hers: First) -> None:
    usage, answered = hers
    exchange, _ = couple.asked(second(HERS + HIS), first=answered.counterpart)
    other, _ = couple.asked(second(HERS + HIS), first=answered.counterpart)
    mine = couple.town.client().handover_key(exchange.link, couple.his, couple.town.log)
    take_over = couple.his.composite.handovers.take_over
    stolen = couple.town.client().hand_over(
        usage.id, AskedOpening(exchange.link, HandoverKey.generate().public), couple.her, couple.town.log, yes
    )
    with pytest.raises(RefusedError, match="COMMITMENT_INVALID"):
        take_over(stolen)
    good = couple.handed(exchange.link, usage, couple.his)
    (part,) = good.parts
    for changed in (
        replace(part, sealed=part.sealed[:-1] + bytes([part.sealed[-1] ^ 1])),
        replace(part, number="other"),
        replace(part, branch="mine"),
    ):
        with pytest.raises((RefusedError, MalformedError)):
            take_over(replace(good, parts=(part, changed)))
    assert couple.his.composite.contents().openings(good.request, "ours") == {}
    refused(ContentError, "KEY_NOT_FOUND", take_over, replace(good, request=bytes(32)))
    couple.town.client().handover_key(other.link, couple.his, couple.town.log)
    elsewhere = replace(good, request=request_digest(other))
    with pytest.raises(RefusedError, match="COMMITMENT_INVALID"):
        take_over(elsewhere)
    assert take_over(good).digest == good.request
    assert take_over(good).digest == good.request
    again = couple.town.client().handover_key(exchange.link, couple.his, couple.town.log)
    assert again == mine


def request_digest(exchange: CompositeExchange) -> bytes:
    return CompositeRequest.from_bytes(exchange.signed_request.payload).digest


def test_who_says_no_hands_nothing_over_and_is_told_the_number(couple: Couple, hers: First) -> None:
    usage, answered = hers
    exchange, _ = couple.asked(second(HERS + HIS), first=answered.counterpart)
    client, seen = couple.town.client(), list[HandoverConsent]()
    asked = client.handover_key(exchange.link, couple.his, couple.town.log)

    def look(consent: HandoverConsent) -> bool:
        seen.append(consent)
        return False

    refused(PresentingError, "DECLINED", client.hand_over, usage.id, asked, couple.her, couple.town.log, look)
    (consent,) = seen
    english = "\n".join(each.text for each in handover_lines(consent, "en"))
    assert "8123.00" in english
    assert "learns this exact number, which cannot be taken back" in english
    assert "the number that you hand over (spouse)" in english
    assert "in the other one's" in english
    assert "14523.00" in english
    chinese = "\n".join(each.text for each in handover_lines(consent, "zh"))
    assert "另一个人将得知这个准确数额，收不回来" in chinese
    assert not {"8123", "812300"} & set(re.findall(r"[0-9]+", repr(consent)))


def test_both_consents_say_what_is_shared(couple: Couple, hers: First) -> None:
    usage, answered = hers
    first = "\n".join(each.text for each in composite_lines(told_of(usage), "en"))
    assert "is committed to (see below), without showing the number" in first
    assert "gets a commitment (“income”)" in first
    assert "that holder learns the exact number, for good" in first
    exchange, _ = couple.asked(second(HERS + HIS), first=answered.counterpart)
    couple.his.composite.handovers.take_over(couple.handed(exchange.link, usage, couple.his))
    his = couple.answers(exchange.link, couple.his)
    for language, words in (
        ("en", ("another holder's is counted (“spouse”)", "departments/hrss", "your answer and that holder's",
                "checks that you are not that holder", "is the same as that holder's")),
        ("zh", ("计入另一个人的一项数额（“spouse”）", "核对您和那个人不是同一个人")),
    ):  # fmt: skip
        told = "\n".join(each.text for each in composite_lines(told_of(his), language))  # type: ignore[arg-type]
        assert all(each in told for each in words), told


def test_a_use_that_was_sent_again_gets_its_receipt_and_a_copy_is_replayed(
    couple: Couple, hers: First
) -> None:
    usage, answered = hers
    exchange, given = couple.asked(second(HERS + HIS), first=answered.counterpart)
    couple.his.composite.handovers.take_over(couple.handed(exchange.link, usage, couple.his))
    his = couple.answers(exchange.link, couple.his)
    with pytest.raises(ServiceError, match="EXCHANGE_ANSWERED"):
        couple.answers(exchange.link, couple.his)
    again = answers.submit(couple.town.client()._way, his, couple.his, couple.town.log)
    assert again.receipt == his.receipt
    assert couple.bank.wait(exchange, WAIT, given).record.receipt == his.receipt


def test_a_number_counts_only_for_whom_it_was_committed(couple: Couple, hers: First) -> None:
    _, answered = hers
    asking = second(HERS + HIS)
    with pytest.raises(PolicyError) as raised:
        couple.asked(asking)
    assert raised.value.field == "branches[0].foreign[0].of"
    text = SECOND.replace("first.income", "first.months")
    with pytest.raises(PolicyError) as raised:
        couple.asked(second(1000, text), first=answered.counterpart)
    assert raised.value.field == "branches[0].foreign[0].of"
    now, given = couple.town.town.city.clock(), {"first": answered.counterpart}
    with pytest.raises(PolicyError) as raised:
        check_composite_policy(asking, VerifierName("bank"), couple.bank.reader, now, given)
    assert raised.value.field == "branches[0].foreign[0].of"


def test_an_answer_does_not_hold_without_the_first_one(couple: Couple, hers: First) -> None:
    usage, answered = hers
    exchange, given = couple.asked(second(HERS + HIS), first=answered.counterpart)
    couple.his.composite.handovers.take_over(couple.handed(exchange.link, usage, couple.his))
    couple.answers(exchange.link, couple.his)
    with pytest.raises(RefusedError, match="COMMITMENT_INVALID"):
        couple.bank.wait(exchange, WAIT)
    record = couple.bank.wait(exchange, WAIT, given).record
    with pytest.raises(RecordError, match="counterparts"):
        replace(record, counterparts=())
    _, another = couple.commits()
    with pytest.raises(RecordError, match="counterparts"):
        replace(record, counterparts=(another.record,))
    forged = replace(
        record.counterparts[0],
        presentation=replace(
            record.counterparts[0].presentation, proof=record.counterparts[0].presentation.proof[::-1]
        ),
    )
    with pytest.raises((RefusedError, MalformedError)):
        recheck_composite(replace(record, counterparts=(forged,)), log_verifier=couple.town.log)


@pytest.mark.parametrize("kind", [AskedOpening, SealedNumber])
@pytest.mark.parametrize(
    "text", ["", "zk-key:", "zk-number:AAAA", "zk-key:A", "zk-key:AA==", f"zk-key:{20_001 * 'A'}"]
)
def test_a_text_that_is_none_is_malformed(kind: Any, text: str) -> None:
    with pytest.raises(MalformedError):
        kind.parse(text)
