"""What is approved is shown whole: octets that hold more than a message shows are none."""

import pytest
from google.protobuf.message import Message

from disclosure import MalformedError
from wire.administration import request_of
from zkproto.v1 import catalog_pb2
from zkproto.v1.attribute_pb2 import LocalizedText

METHOD = "zkproto.v1.CatalogService/CreateVerifier"
KNOWN = catalog_pb2.CreateVerifierRequest(
    verifier_id="v",
    verifier=catalog_pb2.Verifier(public_key=b"k", display_name=LocalizedText(zh="甲", en="A")),
)
OCTETS = KNOWN.SerializeToString(deterministic=True)


def test_a_message_is_read_as_it_was_written() -> None:
    read: Message = request_of(METHOD, OCTETS)
    assert read == KNOWN
    assert request_of(METHOD, b"") == catalog_pb2.CreateVerifierRequest()


@pytest.mark.parametrize(
    "octets",
    [
        OCTETS + b"\x1a\x01x",
        OCTETS + b"\x78\x01",
        b"\x0a\x01w" + OCTETS,
        OCTETS + b"\x0a\x01v",
        b"\x0a\x00" + OCTETS[3:],
        OCTETS[3:] + OCTETS[:3],
        OCTETS[:-1],
        b"\x0a\x81\x00v" + OCTETS[3:],
        OCTETS[:3] + b"\x12" + bytes([OCTETS[4] + 3]) + OCTETS[5:] + b"\x7a\x01x",
        b"\x0a\x01\xff" + OCTETS[3:],
        b"\x08\x01",
    ],
)
def test_octets_that_hide_something_are_no_message(octets: bytes) -> None:
    with pytest.raises(MalformedError):
        request_of(METHOD, octets)


@pytest.mark.parametrize(
    "method",
    [
        "",
        "CreateVerifier",
        f"/{METHOD}",
        METHOD + "2",
        "zkproto.v1.LedgerService/GetCheckpoint",
        "zkproto.v1.",
    ],
)
def test_a_method_that_is_not_known_is_not_shown(method: str) -> None:
    with pytest.raises(MalformedError):
        request_of(method, OCTETS)
