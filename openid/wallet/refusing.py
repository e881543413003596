"""What an edge says of its refusal, as far as it is a word and no text of its own."""

from contextlib import suppress
from typing import Final

from openid.errors import OpenIdError, OpenIdReason
from openid.strict_json import loads
from openid.wallet.fetching import Answered

_MOST: Final = 64
_WORDS: Final = ("zk-disclosure.reason", "error")


def refused(answer: Answered) -> OpenIdError:
    """Return the error of a refusal: the status, and the edge's reason or OAuth's word for it."""
    said = f"the edge answered with {answer.status}"
    with suppress(OpenIdError):
        read = loads(answer.body, OpenIdReason.EDGE_ANSWER_INVALID)
        words = [read[name] for name in _WORDS if name in read]
        if words and isinstance(words[0], str) and _is_word(words[0]):
            said = f"{said}, {words[0]}"
    return OpenIdError(OpenIdReason.EDGE_REFUSED, said)


def _is_word(text: str) -> bool:
    return text.isascii() and text.isidentifier() and len(text) <= _MOST
