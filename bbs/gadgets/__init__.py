"""What composite presentations are made of: each gadget adds a few equations to a statement of `bbs.engine`.

A gadget is a frozen dataclass of the witnesses and points that it made. `add_to` states it, in a scope of its
own, from public things only; `assign` gives the prover's secret values. docs/composite.md says for each what
it proves, under which assumption, and why it hides the rest.
"""

from bbs.gadgets.bases import hashed_base
from bbs.gadgets.commitment import Commitment, commitment_bases
from bbs.gadgets.credential import Credential
from bbs.gadgets.escrow import Escrow, identity_octets, look_up
from bbs.gadgets.escrow_shares import (
    EscrowShare,
    OpeningCase,
    PartialOpening,
    PublicShare,
    combine,
    shared_key,
    verify_part,
)
from bbs.gadgets.membership import Membership
from bbs.gadgets.non_revocation import NonRevocation
from bbs.gadgets.pseudonym import Pseudonym, Purpose, pseudonym_base
from bbs.gadgets.ranges import Quantity, Range
from bbs.gadgets.small_set import Different, NoneOf, OneOf
from bbs.gadgets.sums import Capped, Opened
from bbs.gadgets.tables import Table, load_table, new_digits, new_table
from bbs.gadgets.weak_bb import WeakBB

__all__ = [
    "Capped",
    "Commitment",
    "Credential",
    "Different",
    "Escrow",
    "EscrowShare",
    "Membership",
    "NonRevocation",
    "NoneOf",
    "OneOf",
    "Opened",
    "OpeningCase",
    "PartialOpening",
    "Pseudonym",
    "PublicShare",
    "Purpose",
    "Quantity",
    "Range",
    "Table",
    "WeakBB",
    "combine",
    "commitment_bases",
    "hashed_base",
    "identity_octets",
    "load_table",
    "look_up",
    "new_digits",
    "new_table",
    "pseudonym_base",
    "shared_key",
    "verify_part",
]
