"""What was sent to a relying party unasked, as it keeps it: one file for each, by the question's digest.

The file holds what the proof is of, and with which schemas it is read, so that what was shown is there for
ever. It can convince nobody that it was asked for: the question says of itself that it was not.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from disclosure import DisclosureError, Reason, RefusedError, Schema, SchemaName, Shown
from disclosure.composite import CompositePresentation
from disclosure.delivery import UnaskedQuestion
from tlog import bounded_json
from verifier import files
from verifier.errors import RecordError

FORMAT: Final = "zk-disclosure/received-delivery/v1"
MAX_DELIVERY_OCTETS: Final = 2 << 20


@dataclass(frozen=True)
class KeptDelivery:
    """A delivery that was verified; `name` is its name at the service, `receipt` that of its sending."""

    name: str
    question: UnaskedQuestion
    presentation: CompositePresentation = field(repr=False)
    schemas: Mapping[SchemaName, Schema] = field(repr=False)
    receipt: bytes = field(repr=False)

    @cached_property
    def shown(self) -> tuple[Shown, ...]:
        """What was shown of each credential."""
        return tuple(each.shown for each in self.presentation.answer.credentials)

    def to_bytes(self) -> bytes:
        """Return the file."""
        values = {
            "format": FORMAT,
            "name": self.name,
            "question": self.question.canonical.hex(),
            "presentation": self.presentation.canonical.hex(),
            "schemas": [self.schemas[name].canonical.hex() for name in sorted(self.schemas, key=str)],
            "receipt": self.receipt.decode(),
        }
        return json.dumps(values, indent=2).encode() + b"\n"

    @classmethod
    def from_bytes(cls, octets: bytes) -> "KeptDelivery":
        """Decode what `to_bytes` gives, and nothing else; RecordError."""
        try:
            kept = _decoded(bounded_json.loads(octets))
            if kept.to_bytes() != octets:
                raise RecordError("the file is not written as deliveries are kept")
        except DisclosureError as error:
            raise RecordError(error.detail, field=error.field) from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise RecordError(f"the file is no {FORMAT}") from None
        return kept

    @classmethod
    def load(cls, path: Path) -> "KeptDelivery":
        """Read a file; OSError, RecordError."""
        try:
            written = files.read(path, MAX_DELIVERY_OCTETS)
        except ValueError as error:
            raise RecordError(str(error)) from None
        return cls.from_bytes(written)


def _decoded(values: Any) -> KeptDelivery:
    if values["format"] != FORMAT:
        raise ValueError
    read = [Schema.from_bytes(bytes.fromhex(each)) for each in values["schemas"]]
    schemas = {each.name: each for each in read}
    presentation = CompositePresentation.from_bytes(bytes.fromhex(values["presentation"]), schemas)
    question = UnaskedQuestion.from_bytes(bytes.fromhex(values["question"]))
    return KeptDelivery(values["name"], question, presentation, schemas, values["receipt"].encode())


class DeliveryFolder:
    """The folder of what was received. A file is durable before the service is told to forget its octets."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, kept: KeptDelivery) -> Path:
        """Keep what was verified, once under each question; return its file.

        What is kept stays as it is: its receipt may be anchored by now. Raises RefusedError DELIVERY_REPLAYED
        for a question that came before as another delivery; OSError; RecordError.
        """
        path = self._folder / f"{kept.question.digest.hex()}.json"
        try:
            files.place(path, kept.to_bytes())
        except FileExistsError:
            if KeptDelivery.load(path).name != kept.name:
                detail = "the same was received before"
                raise RefusedError(Reason.DELIVERY_REPLAYED, detail, field="delivery") from None
        return path

    def all(self) -> list[tuple[Path, KeptDelivery]]:
        """Return everything that is kept, in the order of the senders' times; OSError, RecordError."""
        found = [(path, KeptDelivery.load(path)) for path in self._folder.glob("*.json")]
        return sorted(found, key=lambda each: (each[1].question.created, each[0]))
