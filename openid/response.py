"""What a wallet posts, and what it is answered (OpenID4VP 1.0, section 8): vp_token, error, receipt.

One presentation answers all queries of a request, so it stands under the identifier of the first; under each
other answered identifier stands where it is. Beside it go what a submission takes besides: the holder's note
and the vault's request_id (docs/protocol.md).
"""

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, urlencode

from disclosure import MalformedError, Presentation, Schema, SchemaName
from disclosure.composite import CompositePresentation, CompositeRequest
from openid.encryption import ResponseKey
from openid.errors import OpenIdError, OpenIdReason
from openid.mapping import AnyRequest, answer_ids
from openid.request_object import check_uri
from openid.strict_json import Json, dumps, loads, octets_of, to_base64url
from tlog import HOLDER_NOTE_OCTETS

FORM_TYPE: Final = "application/x-www-form-urlencoded"
RECEIPT: Final = "zk-disclosure.receipt"
"""Under this key the answer to a response has the receipt, in base64url."""
MAX_RESPONSE_OCTETS: Final = 256 << 10
DECLINED: Final = "access_denied"
_IN: Final = "zk-disclosure.in"
_REASON: Final = OpenIdReason.RESPONSE_INVALID
_STATE: Final = re.compile(r"[A-Za-z0-9_-]{22,128}", re.ASCII)
_ERROR: Final = re.compile(r"[a-z_]{1,64}", re.ASCII)
AnyPresentation = Presentation | CompositePresentation


@dataclass(frozen=True)
class Submission:
    """What a submission to the service takes, whoever hands it in."""

    presentation: AnyPresentation = field(repr=False)
    holder_note: bytes = field(repr=False)
    request_id: str = field(repr=False)


@dataclass(frozen=True)
class Posted:
    """A response as it was posted: the state, and either a vp_token or an error."""

    state: str = field(repr=False)
    vp_token: Mapping[str, Json] | None = field(default=None, repr=False)
    error: str = ""
    encrypted: bool = False


def response_form(
    request: AnyRequest, submission: Submission, state: str, key: ResponseKey | None = None
) -> bytes:
    """Return the body that a wallet posts, encrypted if there is a key to encrypt to.

    Raises MalformedError for a branch that the request does not have.
    """
    presentation = submission.presentation
    branch = presentation.answer.branch if isinstance(presentation, CompositePresentation) else None
    first, *others = answer_ids(request, branch)
    answer = {
        "presentation": to_base64url(presentation.canonical),
        "holder_note": to_base64url(submission.holder_note),
        "request_id": submission.request_id,
    }
    token = {first: [answer]} | {each: [{_IN: first}] for each in others}
    if key is not None:
        return urlencode({"response": key.encrypt(dumps({"vp_token": token, "state": state}))}).encode()
    return urlencode({"vp_token": dumps(token).decode(), "state": state}).encode()


def error_form(state: str, error: str = DECLINED) -> bytes:
    """Return the body by which a wallet says that it will not answer."""
    return urlencode({"error": error, "state": state}).encode()


def read_form(octets: bytes, opening: Callable[[str], dict[str, Json]] | None = None) -> Posted:
    """Read a response's body; OpenIdError RESPONSE_INVALID.

    `opening` opens an encrypted answer; where there is none, none is taken. Parameters that nobody here knows
    are passed over, as OAuth has it: the answer is in `vp_token` alone.
    """
    if len(octets) > MAX_RESPONSE_OCTETS:
        raise _invalid("it is too long", "")
    try:
        pairs = parse_qsl(
            octets.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=16,
            errors="strict",
        )  # fmt: skip
    except ValueError:
        raise _invalid("it is no form", "") from None
    given = dict(pairs)
    if len(given) != len(pairs):
        raise _invalid("a parameter stands twice", "")
    if "response" in given:
        return _encrypted(given, opening)
    state, error, token = given.get("state", ""), given.get("error"), given.get("vp_token")
    if not _STATE.fullmatch(state):
        raise _invalid("there is no state", "state")
    if (error is None) == (token is None):
        raise _invalid("there is a vp_token or an error", "vp_token")
    if token is not None:
        return Posted(state, loads(token, _REASON))
    if not _ERROR.fullmatch(error or ""):
        raise _invalid("it is no error of OAuth's", "error")
    return Posted(state, error=error or "")


def _encrypted(given: Mapping[str, str], opening: Callable[[str], dict[str, Json]] | None) -> Posted:
    if opening is None:
        raise _invalid("this edge takes no encrypted answers", "response")
    if {"state", "error", "vp_token"} & set(given):
        raise _invalid("what is encrypted does not stand beside it", "response")
    read = opening(given["response"])
    state, token, error = read.get("state"), read.get("vp_token"), read.get("error")
    if not isinstance(state, str) or not _STATE.fullmatch(state):
        raise _invalid("there is no state", "state")
    if isinstance(token, dict) and error is None:
        return Posted(state, token, encrypted=True)
    if isinstance(error, str) and token is None and _ERROR.fullmatch(error):
        return Posted(state, error=error, encrypted=True)
    raise _invalid("there is a vp_token or an error", "vp_token")


def submission_of(
    token: Mapping[str, Json], request: AnyRequest, schemas: Mapping[SchemaName, Schema]
) -> Submission:
    """Return what a vp_token answers a request with; `schemas` are all that the request names.

    Raises OpenIdError RESPONSE_INVALID for an answer that is not of this request, or not of a whole branch.
    Whether it holds is not looked at.
    """
    carrying = [(name, one[0]) for name, one in token.items() if _is_one(one) and _IN not in one[0]]
    if len(carrying) != 1:
        raise _invalid("there is one presentation", "vp_token")
    first, answer = carrying[0]
    if set(answer) != {"presentation", "holder_note", "request_id"}:
        raise _invalid("it has presentation, holder_note and request_id", "vp_token")
    octets = octets_of(answer["presentation"], _REASON, "presentation")
    presentation = _presentation_of(octets, request, schemas)
    branch = presentation.answer.branch if isinstance(presentation, CompositePresentation) else None
    try:
        wanted = answer_ids(request, branch)
    except MalformedError:
        raise _invalid("the request has no such branch", "vp_token") from None
    if {first: [answer]} | {each: [{_IN: first}] for each in wanted[1:]} != token or first != wanted[0]:
        raise _invalid("it answers the queries of one branch, and nothing else", "vp_token")
    note = octets_of(answer["holder_note"], _REASON, "holder_note")
    if len(note) != HOLDER_NOTE_OCTETS:
        raise _invalid(f"a note has {HOLDER_NOTE_OCTETS} octets", "holder_note")
    return Submission(presentation, note, _request_id_of(answer["request_id"]))


def _is_one(value: Json) -> bool:
    return isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict)


def _presentation_of(
    octets: bytes, request: AnyRequest, schemas: Mapping[SchemaName, Schema]
) -> AnyPresentation:
    kind = CompositePresentation if isinstance(request, CompositeRequest) else Presentation
    try:
        return kind.from_bytes(octets, schemas)
    except MalformedError:
        raise _invalid("it is no presentation of the request's form and schemas", "presentation") from None


def _request_id_of(value: Json) -> str:
    try:
        read = str(uuid.UUID(value))
    except (ValueError, AttributeError, TypeError):
        read = ""
    if not read or read != value:
        raise _invalid("it is no UUID", "request_id")
    return read


def receipt_json(receipt: bytes, redirect_uri: str | None) -> bytes:
    """Return the answer to a response: the receipt, and where the browser of the same device goes on."""
    made = {RECEIPT: to_base64url(receipt)}
    return dumps(made if redirect_uri is None else made | {"redirect_uri": redirect_uri})


def read_receipt(octets: bytes) -> tuple[bytes, str | None]:
    """Read what `receipt_json` gives; OpenIdError EDGE_ANSWER_INVALID.

    Where the browser goes on is an HTTP address in printable ASCII: people are shown it. Members that nobody
    knows are passed over.
    """
    reason = OpenIdReason.EDGE_ANSWER_INVALID
    read = loads(octets, reason)
    redirect = read.get("redirect_uri")
    if redirect is not None:
        _check_redirect(redirect)
    return octets_of(read.get(RECEIPT), reason, RECEIPT), redirect


def _check_redirect(redirect: Json) -> None:
    try:
        check_uri(redirect if isinstance(redirect, str) else "", "redirect_uri")
    except OpenIdError as error:
        raise OpenIdError(OpenIdReason.EDGE_ANSWER_INVALID, error.detail, field=error.field) from None


def _invalid(detail: str, field: str) -> OpenIdError:
    return OpenIdError(_REASON, detail, field=field)
