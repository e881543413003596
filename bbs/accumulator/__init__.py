"""Revocation by a positive accumulator: issuing changes nothing, revoking changes one value.

The accumulator has a key of its own, a, public as a*P2, and a value. Each credential has a handle y and a
witness C = V / (a + y). Revoking y' divides the value by a + y'. What was revoked is a numbered list of pairs
(y', V after it), published in pages; an epoch is a position in that list at a time, and its octets are what a
department signs and a ledger keeps. Signing, storing and sending are the caller's.

The issuer:

    secret = AccumulatorSecret.generate(suite=SHA_256)
    epoch = Epoch(0, secret.key.start, time)
    witness = secret.witness(y, epoch.position, revoked)       # revoked: every handle of the list
    page = secret.revoke([y1, y2], epoch.position, revoked)    # store the page, then publish
    epoch = epoch.followed_by(epoch.position.after(page), time)

The holder, which tells nobody its handle, and goes on from `state.partial` after an interruption:

    witness = catch_up(witness, epoch, pages, report=lambda state: store(state.partial))

Anybody, a page at a time, from the start of the list:

    position = verify_page(page, position, revoked)

What is proven with a witness is `bbs.gadgets.NonRevocation`. docs/composite.md has the argument: what the
digests and the checks here leave to chance, and what the list tells.
"""

from bbs.accumulator.epoch import Epoch
from bbs.accumulator.issuer import AccumulatorSecret
from bbs.accumulator.key import AccumulatorKey
from bbs.accumulator.page import MAX_PAGE, Page, Revocation, verify_page
from bbs.accumulator.position import MAX_REVOCATIONS, Position
from bbs.accumulator.update import CatchingUp, catch_up
from bbs.accumulator.witness import MembershipWitness

__all__ = [
    "MAX_PAGE",
    "MAX_REVOCATIONS",
    "AccumulatorKey",
    "AccumulatorSecret",
    "CatchingUp",
    "Epoch",
    "MembershipWitness",
    "Page",
    "Position",
    "Revocation",
    "catch_up",
    "verify_page",
]
