"""What composite presentations are made of: each gadget adds a few equations to a statement of `bbs.engine`.

A gadget is a frozen dataclass of the witnesses and points that it made. `add_to` states it, in a scope of its
own, from public things only; `assign` gives the prover's secret values. docs/composite.md says for each what
it proves, under which assumption, and why it hides the rest.
"""

from bbs.gadgets.bases import hashed_base
from bbs.gadgets.commitment import Commitment, commitment_bases
from bbs.gadgets.credential import Credential
from bbs.gadgets.escrow import (
    Escrow,
    EscrowKey,
    Opening,
    OpeningCase,
    identity_octets,
    look_up,
    verify_opening,
)
from bbs.gadgets.non_revocation import NonRevocation
from bbs.gadgets.pseudonym import Pseudonym, Purpose, pseudonym_base
from bbs.gadgets.weak_bb import WeakBB

__all__ = [
    "Commitment",
    "Credential",
    "Escrow",
    "EscrowKey",
    "NonRevocation",
    "Opening",
    "OpeningCase",
    "Pseudonym",
    "Purpose",
    "WeakBB",
    "commitment_bases",
    "hashed_base",
    "identity_octets",
    "look_up",
    "pseudonym_base",
    "verify_opening",
]
