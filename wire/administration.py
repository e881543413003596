"""What is proposed and approved: the octets of a method's request, read so that nothing stays unseen."""

from typing import Final

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from disclosure import MalformedError, Reason
from zkproto.v1 import administration_pb2, catalog_pb2, publication_pb2, statistics_pb2, token_pb2

_SERVICES: Final = {
    service.full_name: service
    for module in (administration_pb2, catalog_pb2, publication_pb2, statistics_pb2, token_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
}
"""Those of which some method takes two persons."""


def whole_message(kind: Descriptor, octets: bytes) -> Message:
    """Return the message of exactly these octets; MalformedError MALFORMED.

    They are what deterministic serialization gives: nothing in them is unknown, said twice, or a default that
    is written out. So whoever looks at the message's fields has seen all of them.
    """
    message: Message = GetMessageClass(kind)()
    try:
        message.ParseFromString(octets)
        message.DiscardUnknownFields()
        if message.SerializeToString(deterministic=True) == octets:
            return message
    except (DecodeError, ValueError):
        pass
    raise MalformedError(Reason.MALFORMED, f"the octets are not exactly one {kind.name}")


def request_of(method: str, octets: bytes) -> Message:
    """Return the request that an action would be carried out with; MalformedError MALFORMED.

    A method that is not known here is malformed too: what cannot be shown is not approved.
    """
    service, _, name = method.partition("/")
    found = _SERVICES[service].methods_by_name.get(name) if service in _SERVICES else None
    if found is None:
        raise MalformedError(Reason.MALFORMED, "the method is none that takes two persons", field="method")
    return whole_message(found.input_type, octets)
