"""Answers as they are told, and records that are checked again, offline, for years."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

import typer

import tlog
from disclosure import DepartmentName, Shown
from disclosure.composite import EscrowQuery
from ordering.light.receipt import Ordering
from ordering.light.verifying import OrderError, OrderReason
from prover.consent import show_date, show_moment, show_value
from verifier import (
    CompositeRechecked,
    CompositeRecord,
    Rechecked,
    Record,
    VerifiedCredential,
    load_record,
    recheck,
    recheck_composite,
)
from verifier.anchoring import Kept
from verifier.ordered import check_ordered, order_file
from zk.anchoring import policy_needed, told
from zk.commands.ordered import told_ordered
from zk.commands.verifier.common import GROUP
from zk.commands.verifier.demanding import States, in_record, receipt_line, said
from zk.exits import Exit
from zk.home import read_file
from zk.ordered import Pinned, seconds
from zk.run import Answer, Run, read_log_key
from zk.values import json_value

AnyRecord: TypeAlias = Record | CompositeRecord
_NOT_SHOWN: Final = {
    tlog.ReceiptState.ANCHORED: "verifier.quorum_unknown",
    tlog.ReceiptState.ORDERED: "consortium.not_ordered",
}
_OUTDATED: Final = {OrderReason.ORDER_TRUST_EXPIRED, OrderReason.ORDER_TRUST_MISSING}
AnyRechecked: TypeAlias = Rechecked | CompositeRechecked


def answered(run: Run, record: AnyRecord, path: Path) -> Answer:
    """Tell an answer that was verified and kept."""
    checked = _recheck(record, run.log_verifier(), run.policy)
    state = told(run, run.policy, checked.state, checked.cosignatures)
    data = {"event": "answered", "record": str(path), **_data(record, checked), **state.data}
    lines = [
        run.text("verifier.answered"),
        *_shown(run, record),
        *_proven(run, record, checked),
        run.text("verifier.receipt", index=checked.index, size=checked.checkpoint.size),
        *state.lines,
        run.text("verifier.kept", path=path),
    ]
    return Answer(data, lines)


def _recheck(record: AnyRecord, log: tlog.Verifier | None, policy: tlog.Policy | None = None) -> AnyRechecked:
    """Verify a record; whether it is anchored under the policy stands in what is returned."""
    if isinstance(record, CompositeRecord):
        return recheck_composite(record, log_verifier=log, policy=policy, accept_pending=True)
    return recheck(record, log_verifier=log, policy=policy, accept_pending=True)


def _data(record: AnyRecord, checked: AnyRechecked) -> dict[str, Any]:
    """Return what was verified, for a JSON document; of the composite form also what is no shown value."""
    data: dict[str, Any] = {
        "entry_index": checked.index,
        "verified_at": checked.verify_time.isoformat(timespec="milliseconds"),
    }
    if isinstance(checked, Rechecked):
        parts = [(each, each.issuer_key) for each in checked.verified.credentials]
        return {**data, "credentials": [_credential(each, str(key)) for each, key in parts]}
    answer = checked.verified.answer
    return {
        **data,
        **_asked_by(record),
        "branch": answer.branch,
        "credentials": [_credential(each.shown, str(each.shown.issuer_key)) for each in answer.credentials],
        "pseudonyms": {name: octets.hex() for name, octets in checked.verified.pseudonyms.items()},
        "escrows": {each.id: each.regulator.hex() for each in _escrows(record)},
    }


def _asked_by(record: AnyRecord) -> dict[str, Any]:
    """Return by which registered policy it was asked, as the ledger holds it."""
    if not isinstance(record, CompositeRecord):
        return {}
    policy = record.policy
    said = {"purpose": policy.purpose_text, "legal_basis": policy.legal_basis}
    texts = {name: dict(zip(("zh", "en"), text.items(), strict=True)) for name, text in said.items()}
    receipt = {} if policy.receipt is None else {"receipt": policy.receipt.value}
    kept = {"retention_days": policy.retention_days, **receipt}
    return {"policy": {"name": str(policy.name), **texts, **kept}}


def _policy_line(run: Run, record: AnyRecord) -> list[str]:
    if not isinstance(record, CompositeRecord):
        return []
    policy = record.policy
    purpose, basis = run.local(policy.purpose_text), run.local(policy.legal_basis)
    return [
        run.text(
            "verifier.by_policy", policy=policy.name, purpose=purpose, basis=basis,
            days=policy.retention_days,
        ),
        *receipt_line(run, policy),
    ]  # fmt: skip


def _escrows(record: AnyRecord) -> Sequence[EscrowQuery]:
    if isinstance(record, CompositeRecord):
        return record.request.branch(record.presentation.answer.branch)[1].escrows
    return ()


def _credential(shown: Shown | VerifiedCredential, issuer_key: str) -> dict[str, Any]:
    return {
        "query": shown.query,
        "department": str(DepartmentName(shown.schema.department)),
        "schema": str(shown.schema),
        "issuer_key": issuer_key,
        "expiry": shown.expiry.isoformat() if shown.expiry else None,
        "values": {name: json_value(value) for name, value in shown.values.items()},
    }


def _parts(record: AnyRecord) -> list[Shown]:
    if isinstance(record, CompositeRecord):
        return [each.shown for each in record.presentation.answer.credentials]
    return [each.shown for each in record.presentation.credentials]


def _shown(run: Run, record: AnyRecord) -> list[str]:
    lines: list[str] = []
    for each in _parts(record):
        schema = record.directory.schema(each.schema)
        name, department = run.local(schema.display_name), DepartmentName(each.schema.department)
        lines.append(run.text("verifier.credential", name=name, department=department))
        for attribute, value in each.values.items():
            definition = schema.attribute(attribute)
            lines.append(f"  {run.local(definition.display_name)}: {show_value(definition, value, run.lang)}")
        if each.expiry:
            lines.append(f"  {run.text('verifier.expiry')}: {show_date(each.expiry, run.lang)}")
    return lines


def _proven(run: Run, record: AnyRecord, checked: AnyRechecked) -> list[str]:
    """Tell what was proven and not shown: the policy's own question says it, so only that it holds."""
    if isinstance(checked, Rechecked):
        return []
    pseudonyms = checked.verified.pseudonyms.items()
    return [
        run.text("verifier.branch", branch=checked.verified.answer.branch),
        *(run.text("verifier.pseudonym", id=name, pseudonym=octets.hex()) for name, octets in pseudonyms),
        *(run.text("verifier.escrow", id=each.id, of=each.operand) for each in _escrows(record)),
    ]


@GROUP.command("check")
def check(
    run: Run,
    record: Annotated[Path, typer.Argument(help="help.verifier.check_record")],
    key: Annotated[str | None, typer.Option("--key", metavar="KEY|FILE", help="help.ledger.key")] = None,
    anchored: Annotated[bool, typer.Option("--anchored", help="help.verifier.anchored")] = False,
    ordered: Annotated[bool, typer.Option("--ordered", help="help.verifier.ordered")] = False,
) -> Answer:
    """Check a record again, offline: request, its policy, proofs, receipt, checkpoint.

    With --anchored one that holds and is pending ends with exit code 10, with --ordered one beside which
    there is nothing that shows it to be in the consortium's order (`zk consortium order`); so it does without
    either where the registered policy in it demands that.
    """
    pinned = read_log_key(key) if key else run.profile.log_key
    read_file(record)  # a file that cannot be read is named, as everywhere
    kept = load_record(record)
    if pinned is not None:
        pinned = run.log_key_of(kept.receipt, pinned)
    policy = policy_needed(run) if anchored else run.policy
    checked = _recheck(kept, pinned, policy)
    state = told(run, policy, checked.state, checked.cosignatures)
    if not checked.pinned:
        run.warn("ledger.key_of_file")
    in_order, order_lines = order_told(
        run, record, kept, pinned or tlog.Verifier.from_string(checked.log_key)
    )
    wanted = said(anchored=anchored, ordered=ordered) | in_record(kept)
    shown = said(anchored=state.is_anchored, ordered=bool(in_order))
    data = {
        "record": str(record),
        "verifier": str(kept.request.verifier),
        "log_key": checked.log_key,
        "key_pinned": checked.pinned,
        **_data(kept, checked),
        **state.data,
        **in_order,
    }
    lines = [
        run.text(
            "verifier.holds", time=show_moment(checked.verify_time, run.lang), verifier=kept.request.verifier
        ),
        *_policy_line(run, kept),
        *_shown(run, kept),
        *_proven(run, kept, checked),
        run.text("verifier.receipt", index=checked.index, size=checked.checkpoint.size),
        *(state.lines or _missing(run, tlog.ReceiptState.ANCHORED, wanted)),
        *(order_lines or _missing(run, tlog.ReceiptState.ORDERED, wanted)),
    ]
    return Answer(data, lines, Exit.OK if wanted <= shown else Exit.PENDING)


def _missing(run: Run, state: tlog.ReceiptState, wanted: States) -> list[str]:
    """Tell that nothing here shows a state, if it is demanded."""
    return [run.text(_NOT_SHOWN[state])] if state in wanted else []


def order_told(run: Run, path: Path, kept: Kept, log: tlog.Verifier) -> tuple[dict[str, Any], list[str]]:
    """Tell that something kept is ordered, where that is shown beside it and a header is trusted; OrderError.

    What does not follow from the header that is trusted now shows nothing, and says nothing against it.
    """
    pinned, beside = Pinned.of(run), order_file(path)
    if pinned is None or not beside.exists():
        return {}, []
    ordering = Ordering.parse(read_file(beside))
    try:
        check_ordered(kept, ordering, run.log_keys(log), pinned.trusted, seconds())
    except OrderError as error:
        if error.reason not in _OUTDATED:
            raise
        return {}, [run.text("consortium.order_outdated", path=path)]
    return told_ordered(run, ordering)
