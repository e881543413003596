"""Files of either form: a policy of the composite form says so; a record does by its format, as does what
came unasked and is none.
"""

import re
from pathlib import Path
from typing import Final

from verifier import files, strict_yaml
from verifier.composite import record_file
from verifier.composite.nodes import Node
from verifier.composite.policy import CompositePolicy
from verifier.composite.record import MAX_COMPOSITE_RECORD_OCTETS, CompositeRecord
from verifier.delivery import FORMAT as DELIVERY
from verifier.delivery import KeptDelivery
from verifier.errors import PolicyError, RecordError
from verifier.policy import MAX_POLICY_OCTETS, Policy
from verifier.record import Record

COMPOSITE: Final = "composite"
_FORMAT: Final = re.compile(rb'\{\s*"format":\s*"([^"]{1,64})"')


def load_policy(path: Path) -> Policy | CompositePolicy:
    """Read a policy file, and the joint scopes that lie beside it; PolicyError."""
    try:
        with path.open("rb") as file:
            octets = file.read(MAX_POLICY_OCTETS + 1)
    except OSError as error:
        raise PolicyError(f"the file cannot be read: {error.strerror}") from None
    return parse_policy(octets, path.parent)


def parse_policy(octets: bytes, folder: Path | None = None) -> Policy | CompositePolicy:
    """Read a policy from the octets of its file; joint scopes are read from `folder`. PolicyError."""
    if len(octets) > MAX_POLICY_OCTETS:
        raise PolicyError(f"a policy has at most {MAX_POLICY_OCTETS} octets")
    try:
        document = strict_yaml.parse(octets, text_only=True)
    except strict_yaml.YamlError as error:
        raise PolicyError(str(error)) from None
    if not isinstance(document, dict) or "form" not in document:
        return Policy.parse(octets)
    if document["form"] != COMPOSITE:
        raise PolicyError("it is composite, or the field is left out", field="form")
    return CompositePolicy.read(Node(document), folder)


def load_record(path: Path) -> Record | CompositeRecord:
    """Read a record's file; OSError, RecordError."""
    return parse_record(_read(path))


def parse_record(written: bytes) -> Record | CompositeRecord:
    """Read a record from the octets of its file; RecordError."""
    if _format(written) == record_file.FORMAT:
        return CompositeRecord.from_bytes(written)
    return Record.from_bytes(written)


def load_kept(path: Path) -> Record | CompositeRecord | KeptDelivery:
    """Read a record's file, or that of what came unasked; OSError, RecordError."""
    return parse_kept(_read(path))


def parse_kept(written: bytes) -> Record | CompositeRecord | KeptDelivery:
    """Read a record, or what came unasked, from the octets of its file; RecordError."""
    if _format(written) == DELIVERY:
        return KeptDelivery.from_bytes(written)
    return parse_record(written)


def _read(path: Path) -> bytes:
    try:
        return files.read(path, MAX_COMPOSITE_RECORD_OCTETS)
    except ValueError as error:
        raise RecordError(str(error)) from None


def _format(written: bytes) -> str:
    """Return what a file says it is."""
    found = _FORMAT.match(written)
    return "" if found is None else found[1].decode(errors="replace")
