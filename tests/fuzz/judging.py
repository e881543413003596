"""What a decoder may do with octets: take them, or refuse them with one of the project's own errors."""

import inspect
import re
from typing import Any, Final

from bbs import BbsError
from consortium.errors import ConsortiumError
from disclosure import DisclosureError
from openid.errors import OpenIdError
from prover.errors import VaultError
from tests.fuzz.corpus import Seed
from tests.fuzz.finding import Decoder
from tlog import TlogError
from verifier.errors import VerifierError
from verifier.strict_yaml import YamlError
from zk.catalogue.errors import CatalogueError
from zk.exits import CommandError
from zkservice.errors import ServiceError
from zkservice.frames import FrameError
from zkservice.keyring.errors import KeyringError

REFUSALS: Final[tuple[type[Exception], ...]] = (
    BbsError, ConsortiumError, DisclosureError, VaultError, TlogError, VerifierError, YamlError,
    CatalogueError, CommandError, ServiceError, FrameError, KeyringError, OpenIdError,
)  # fmt: skip
_ALSO: Final = (ValueError, KeyError)
"""Errors that a decoder's docstring may name, for its one caller to turn into the project's."""
MAX_TEXT: Final = 2_000
"""A refusal says what is wrong, and does not hand back what was sent."""


def outcome(decoder: Decoder, octets: bytes, seed: Seed) -> Any:
    """Return what was decoded, or the kind and reason of the refusal; any other error is a finding."""
    try:
        return decoder.decode(octets, seed.context)
    except Exception as error:
        if not isinstance(error, REFUSALS + _named(decoder)):
            raise
        if len(str(error)) > MAX_TEXT:
            raise AssertionError(
                f"{decoder.name} refuses with a text of {len(str(error))} characters"
            ) from None
        return type(error), getattr(error, "reason", "")


def _named(decoder: Decoder) -> tuple[type[Exception], ...]:
    told = inspect.getdoc(decoder.call) or ""
    return tuple(each for each in _ALSO if re.search(rf"\b{each.__name__}\b", told))
