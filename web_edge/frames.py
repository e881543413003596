"""gRPC-Web's frames, which are gRPC's with one more for what gRPC sends as HTTP trailers.

A frame is one octet of flags, the length of four octets (big-endian), and the content. Flag 0x80 marks the
frame of trailers, whose content has the form of an HTTP/1 header block, names in lower case.
Source: grpc/doc/PROTOCOL-WEB.md.
"""

import base64
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

from grpc import StatusCode

HEADER_OCTETS: Final = 5
CONTENT_TYPES: Final = frozenset({"application/grpc-web", "application/grpc-web+proto"})
_TRAILERS: Final = 0x80
_MESSAGE_SAFE: Final = " !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~"
_DETAILS: Final = "grpc-status-details-bin"


class FrameError(Exception):
    """A body that is not one frame with one message that is not compressed."""


def message_of(body: bytes) -> bytes:
    """Return the one message that a request's body holds; FrameError."""
    if len(body) < HEADER_OCTETS or body[0] != 0 or int.from_bytes(body[1:5]) != len(body) - HEADER_OCTETS:
        raise FrameError
    return body[HEADER_OCTETS:]


def message_frame(message: bytes) -> bytes:
    """Return a message in its frame."""
    return b"\0" + len(message).to_bytes(4) + message


def trailers_frame(
    code: StatusCode, details: str = "", trailing: Iterable[tuple[str, str | bytes]] = ()
) -> bytes:
    """Return how a call ended: its status, the text beside it, and the status's details if it has any.

    Of what the service sends behind an answer nothing else is handed on. The text is percent-encoded, so that
    no line of a service's making can stand in the block.
    """
    lines = [f"grpc-status: {code.value[0]}"]
    if details:
        lines.append(f"grpc-message: {quote(details, safe=_MESSAGE_SAFE)}")
    for name, value in trailing:
        if name == _DETAILS and isinstance(value, bytes):
            lines.append(f"{name}: {base64.b64encode(value).decode().rstrip('=')}")
    block = "".join(f"{line}\r\n" for line in lines).encode()
    return bytes([_TRAILERS]) + len(block).to_bytes(4) + block
