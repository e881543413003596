"""What the tests of wire share."""

from typing import TypeVar

from google.protobuf.message import Message

Sent = TypeVar("Sent", bound=Message)


def over_the_wire(message: Sent) -> Sent:
    """What arrives when a message is sent."""
    return type(message).FromString(message.SerializeToString())
