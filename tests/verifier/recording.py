"""What the tests of records and receipts share: one answered request with its receipt and record."""

from typing import Any

import tlog
from disclosure import (
    sign_request,
)
from tests.disclosure.world import (
    CREDENTIALS,
    DIRECTORY,
    REQUEST,
    SCHOOL_KEY,
    present,
    request,
)
from tests.verifier.judging import ANSWER
from tests.verifier.log import LOG, SIGNER, receipt_for
from verifier import Record, keys

PUBLIC_KEY = keys.public_key(SCHOOL_KEY)
SIGNED = sign_request(REQUEST, SCHOOL_KEY)
RECEIPT = receipt_for(REQUEST, ANSWER)
OTHER_LOG = tlog.Signer.from_secret(SIGNER.name, bytes(32))


def record_of(**changes: Any) -> Record:
    fields: dict[str, Any] = {
        "signed_request": SIGNED,
        "presentation": ANSWER,
        "receipt": RECEIPT,
        "directory": DIRECTORY,
        "verifier_key": PUBLIC_KEY,
        "log_verifier": LOG,
    }
    return Record.of(**(fields | changes))


RECORD = record_of()
OCTETS = RECORD.to_bytes()
OTHER_ANSWER = present(REQUEST, CREDENTIALS)
OTHER_REQUEST = request(nonce=bytes(32))
