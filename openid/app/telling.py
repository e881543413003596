"""What a browser is told of its session: how far it is, and what was shown and proven.

An edge whose answers are encrypted tells nothing of them: what it says goes the way that the answers are
encrypted against. It names the record, in which the verifier reads them.
"""

import datetime as dt
from typing import Any, Final

from disclosure import Value
from openid.app.sessions import AnyAnswered, Session, State
from openid.strict_json import Json
from verifier.client import CompositeAnswered

_PENDING: Final = "pending"
_PENDING_STATES: Final = (State.OPEN, State.ANSWERING, State.ANSWERED, State.KEEPING)


def told(session: Session, answers: bool) -> dict[str, Json]:
    """Return a session as JSON; the answer only once it is accepted.

    `reason` says why an answer that holds still waits, or that it was not in time. Without `answers` it is
    the name of the answer's record that is told then, if it has one.
    """
    pending = session.state in _PENDING_STATES
    made: dict[str, Json] = {
        "policy": session.policy,
        "state": _PENDING if pending else session.state.value,
        "expires": session.expires.isoformat(timespec="seconds"),
    }
    if session.state is not State.ACCEPTED:
        return made | ({"reason": session.reason} if session.reason else {})
    if not answers:
        return made if session.record is None else made | {"record": session.record}
    return made if session.answered is None else made | _answer(session.answered)


def _answer(answered: AnyAnswered) -> dict[str, Json]:
    if isinstance(answered, CompositeAnswered):
        verified = answered.verified
        shown = [each.shown for each in verified.answer.credentials]
        return {
            "branch": verified.answer.branch,
            "credentials": [_credential(each) for each in shown],
            "pseudonyms": {name: octets.hex() for name, octets in verified.pseudonyms.items()},
        }
    return {"credentials": [_credential(each) for each in answered.verified.credentials]}


def _credential(shown: Any) -> dict[str, Json]:
    return {
        "query": shown.query,
        "schema": str(shown.schema),
        "issuer_key": str(shown.issuer_key),
        "expiry": shown.expiry.isoformat() if shown.expiry else None,
        "values": {name: _value(value) for name, value in shown.values.items()},
    }


def _value(value: Value | None) -> Json:
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)  # a browser's numbers are exact up to 53 bits only
    return value.hex() if isinstance(value, bytes) else value
