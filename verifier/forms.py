"""Files of either form: a policy of the composite form says so, as a record does by its format."""

import re
from pathlib import Path
from typing import Final

from verifier import files, strict_yaml
from verifier.composite import record_file
from verifier.composite.nodes import Node
from verifier.composite.policy import CompositePolicy
from verifier.composite.record import MAX_COMPOSITE_RECORD_OCTETS, CompositeRecord
from verifier.errors import PolicyError, RecordError
from verifier.policy import MAX_POLICY_OCTETS, Policy
from verifier.record import Record

COMPOSITE: Final = "composite"
_COMPOSITE_RECORD: Final = re.compile(rb'\{\s*"format":\s*"' + record_file.FORMAT.encode() + b'"')


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
    try:
        return parse_record(files.read(path, MAX_COMPOSITE_RECORD_OCTETS))
    except ValueError as error:
        raise RecordError(str(error)) from None


def parse_record(written: bytes) -> Record | CompositeRecord:
    """Read a record from the octets of its file; RecordError."""
    if _COMPOSITE_RECORD.match(written):
        return CompositeRecord.from_bytes(written)
    return Record.from_bytes(written)
