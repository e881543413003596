"""The contexts that a document may name, all of them part of this package; there is no network.

Where each is from, and its licence: contexts/README.md.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Final

from disclosure.errors import MalformedError, Reason

CREDENTIALS_V1: Final = "https://www.w3.org/2018/credentials/v1"
CREDENTIALS_V2: Final = "https://www.w3.org/ns/credentials/v2"
CONTEXTS: Final[Mapping[str, str]] = {
    CREDENTIALS_V1: "credentials-v1",
    CREDENTIALS_V2: "credentials-v2",
    "https://w3id.org/security/data-integrity/v2": "data-integrity-v2",
    "https://w3id.org/vdl/v1": "vdl-v1",
    "https://w3id.org/vdl/aamva/v1": "vdl-aamva-v1",
    "https://w3id.org/citizenship/v4rc1": "citizenship-v4rc1",
}
"""Names of contexts, and the files that have them."""


@cache
def _text(file: str) -> str:
    return (resources.files("disclosure.w3c") / "contexts" / f"{file}.jsonld").read_text("utf-8")


def check_known(name: str) -> str:
    """Return the name of a context that is there; MalformedError CONTEXT_UNKNOWN."""
    if name not in CONTEXTS:
        detail = "the document names a context that is not part of this software"
        raise MalformedError(Reason.CONTEXT_UNKNOWN, detail, field="@context")
    return name


def load(name: str, _options: Any = None) -> dict[str, Any]:
    """Return a context as PyLD wants it of a document loader; MalformedError CONTEXT_UNKNOWN."""
    document = json.loads(_text(CONTEXTS[check_known(name)]))
    return {
        "contentType": "application/ld+json",
        "contextUrl": None,
        "documentUrl": name,
        "document": document,
    }
