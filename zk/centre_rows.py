"""One row of the resource centre's page for each message that the service lists, as JSON has it.

Names are resource names, `zh` and `en` what people read, times ISO 8601 in UTC. A word of an enumeration that
this program does not know is "unknown".
"""

from typing import Any, Final, TypeAlias

from google.protobuf.timestamp_pb2 import Timestamp

from zkproto.v1 import catalog_pb2, centre_pb2, policy_pb2
from zkproto.v1.account_pb2 import Subject
from zkproto.v1.attribute_pb2 import LocalizedText

Row: TypeAlias = dict[str, Any]
_UNKNOWN: Final = "unknown"


def department_row(each: catalog_pb2.Department) -> Row:
    """A department, with the kinds of subject that it makes codes for."""
    kinds = [word(Subject.Kind, kind, "KIND_") for kind in each.identifies]
    return named(each.name, each.display_name) | {"identifies": kinds, "since": time_of(each.create_time)}


def item_row(each: centre_pb2.Item) -> Row:
    """A data item, without what only its department needs."""
    return named(each.name, each.display_name) | {
        "department": each.name.partition("/items/")[0],
        "sensitivity": word(centre_pb2.Item.Sensitivity, each.sensitivity, "SENSITIVITY_"),
        "subject": word(centre_pb2.Item.Subject, each.subject, "SUBJECT_"),
        "refresh": word(centre_pb2.Item.Refresh, each.refresh, "REFRESH_"),
        "refresh_days": each.refresh_days,
        "validity_days": each.validity_days,
        "applicable": each.applicable,
        "source": text_of(each.source),
        "purposes": list(each.purposes),
        "state": word(centre_pb2.Item.State, each.state, "STATE_"),
        "successor": each.successor,
        "schema": each.newest_schema,
        "since": time_of(each.create_time),
    }


def purpose_row(each: centre_pb2.Purpose) -> Row:
    """A purpose with the rule that it stands on."""
    return named(each.name, each.display_name) | {"legal_basis": text_of(each.legal_basis)}


def verifier_row(each: catalog_pb2.Verifier) -> Row:
    """A verifier."""
    return named(each.name, each.display_name) | {"since": time_of(each.create_time)}


def policy_row(each: policy_pb2.Policy) -> Row:
    """A policy: for what its verifier may ask for which data, and how long it keeps them.

    `receipt` is the state in which it demands receipts, empty where it says nothing of that.
    """
    standing = each.standing
    receipt = word(policy_pb2.Policy.Receipt, each.receipt, "RECEIPT_") if each.receipt else ""
    return {
        "name": each.name,
        "verifier": each.name.partition("/policies/")[0],
        "purpose": each.purpose,
        "text": text_of(each.purpose_text),
        "legal_basis": text_of(each.legal_basis),
        "retention_days": each.retention_days,
        "items": [
            {"item": item.item, "shown": list(item.shown), "proven": list(item.proven)} for item in each.items
        ],
        "scopes": [scope.label for scope in each.scopes],
        "escrows": len(each.escrows),
        "standing": {"times": standing.times, "days": standing.days} if each.HasField("standing") else None,
        "receipt": receipt,
        "state": word(policy_pb2.Policy.State, each.state, "STATE_"),
        "since": time_of(each.create_time),
    }


def named(name: str, text: LocalizedText) -> Row:
    """A resource's name and what people call it."""
    return {"name": name} | text_of(text)


def text_of(text: LocalizedText) -> Row:
    """A text in both languages."""
    return {"zh": text.zh, "en": text.en}


def time_of(time: Timestamp) -> str:
    """A time to the second, or nothing where it is not set."""
    return time.ToDatetime().isoformat(timespec="seconds") + "Z" if time.seconds else ""


def word(enum: Any, value: int, prefix: str) -> str:
    """The word for a value of an enumeration, in lower case and without its prefix."""
    found = enum.DESCRIPTOR.values_by_number.get(value)
    return found.name.removeprefix(prefix).lower() if found is not None else _UNKNOWN
