"""What regulators and their officers read, in English."""

from typing import Final

MESSAGES: Final = {
    "help.regulator": "For regulators: two officers make a key and open together; figures without persons.",
    "help.regulator.share": "An officer's share of the key.",
    "help.regulator.share.new": "Make an officer's share of the key that identities are escrowed to.",
    "help.regulator.combine-keys": "Put the public shares of two officers together to the regulator's key.",
    "help.regulator.register": "Register the key, onto the ledger.",
    "help.regulator.list": "List the regulators that stand on the ledger.",
    "help.regulator.open": "Open one escrowed identity, by two officers; the ledger records each step first.",
    "help.regulator.open.part": "Make this officer's part, for the other officer.",
    "help.regulator.open.combine": "Put both officers' parts together; nothing of the identity is shown.",
    "help.regulator.open.record": "Record the opening on the ledger, and then show the identity.",
    "help.regulator.check": "Check an opening that officers made.",
    "help.regulator.id": "Identifier: a-z, 0-9 and dashes, such as finance.",
    "help.regulator.as": "Identifier of the regulator whose officer this is.",
    "help.regulator.share_file": "An officer's public share, as `zk regulator share new` left it.",
    "help.regulator.part_file": "An officer's part, as `zk regulator open part` left it.",
    "help.regulator.record": "The verifier's record of the presentation.",
    "help.regulator.request": "Without a record: file of the message SignedRequest.",
    "help.regulator.presentation": "Without a record: file of the message CompositePresentation.",
    "help.regulator.receipt": "Without a record: the receipt's file.",
    "help.regulator.case": "The case that it is opened for, 1 to 256 characters.",
    "help.regulator.escrow": "Identifier of the escrow, where the request has several.",
    "help.regulator.candidates": (
        "File of identifiers as they stand in the credential (values of id_commit), one a line, after a tab "
        "whatever is kept of it; tells whose it is."
    ),
    "help.regulator.output": "Where to keep it; by default in the home.",
    "help.regulator.opening": "The file of the opening.",
    "error.officer_share_missing": (
        "{path} is missing: this home has no officer's share of {regulator}. "
        "Make one: zk regulator share new {regulator}"
    ),
    "error.opening_unrecorded": (
        "Both officers' parts hold, but the opening is not recorded, so nothing of it is shown. Record it: "
        "zk regulator open record OPENING RECORD; then check the file that this writes."
    ),
    "error.parts_mismatch": "These are not the parts of both officers, of one escrow in one case.",
    "error.regulator_key_exists": (
        "{path} is there already. Identities may have been escrowed to it, and would be lost with it."
    ),
    "error.regulator_key_invalid": "{path} is no share and no key of a regulator.",
    "error.regulator_key_missing": (
        "{path} is missing. Put the shares of both officers together: "
        "zk regulator combine-keys {regulator} SHARE SHARE"
    ),
    "error.regulator_none": "No officer's share is in this home: zk regulator share new ID",
    "error.shares_invalid": (
        "These are not the shares of two officers, each with the proof that its maker knows its secret."
    ),
    "regulator.share_made": (
        "The officer's share is kept in {path}: guard it. Hand over {public}, which is public. Whoever has "
        "both officers': zk regulator combine-keys {regulator} SHARE SHARE"
    ),
    "regulator.combined": (
        "The key of two officers is kept in {path}; its digest is {digest}. Both compare it; then: "
        "zk regulator register {regulator} --name-zh NAME --name-en NAME"
    ),
    "regulator.listed": "{name}  {regulator}  key {digest}",
    "regulator.none": "No regulator is registered.",
    "regulator.part_made": (
        "This officer's part stands on the ledger as entry {index} (counted from 0). Hand {path} to the "
        "other officer: with that one's part it opens the identity."
    ),
    "regulator.parts_combined": (
        "Both officers' parts hold, in the case {case}; kept in {path}. It is not recorded yet. Record it "
        "and see the identity: {command}. The file that this writes is the opening that can be checked."
    ),
    "regulator.opened": (
        "Opened by two officers. It stands on the ledger as entry {index} (counted from 0); kept in {path}"
    ),
    "regulator.holds": (
        "The opening by two officers holds, in the case {case}. It stands on the ledger as entry {index} "
        "(counted from 0)."
    ),
    "regulator.identity": "Identity: {identity}",
    "regulator.is": "It is: {identifier} {note}",
    "regulator.nobody": "It is none of the candidates.",
    "vault.opening_step": "What",
    "vault.opening_part": "one of two officers gave a part",
    "vault.opening_both": "opened by two officers",
    "help.regulator.token": "Make a token to read figures with here and print its hash.",
    "help.regulator.access": "Give a regulator a token to read figures with; the one before ends.",
    "help.regulator.view": "Show figures of use, refusals and over-asking; draw them. No person is in them.",
    "help.regulator.published": "Show what everybody may know of a month that is over.",
    "help.regulator.from": "The first day, YYYY-MM-DD; by default 30 days before the last.",
    "help.regulator.to": "The last day, YYYY-MM-DD; by default today.",
    "help.regulator.by": "What the figures are told apart by.",
    "help.regulator.only": "Only what has this name.",
    "help.regulator.token_file": "File of the regulator's token; by default the one in the home.",
    "help.regulator.csv": "Write the figures to this file too, for other programs.",
    "help.regulator.plots": "Draw charts (SVG) into this folder.",
    "help.regulator.month": "The month.",
    "help.regulator.applications": "Show how many applications wait, and how many were decided, in steps.",
    "help.regulator.pushes": "Show how far departments' pushes of records are, in steps.",
    "help.regulator.queue_from": "The first day of decisions; by default 30 days with the last.",
    "help.regulator.queue_to": "The last day of decisions, which is over; by default yesterday.",
    "help.regulator.push_count": "So many pushes at most, the newest.",
    "error.date_invalid": "{given} is no date (YYYY-MM-DD).",
    "error.regulator_token_unclear": (
        "Say with --token-file which token to read with; zk regulator access ID gives one."
    ),
    "regulator.access_by_hash": "{regulator} reads figures with the token that it made itself.",
    "regulator.access": "The token to read figures with is kept in {path}.",
    "regulator.queue.least": "Counts are told in steps of {least}, rounded down; fewer are left out.",
    "regulator.queue.until": "Waiting at the end of {day}",
    "regulator.queue.days": "Decided from {first} to {last}",
    "regulator.queue.nothing": "Nothing that is told.",
    "regulator.queue.item": "Item",
    "regulator.queue.waiting": "waiting",
    "regulator.queue.oldest": "oldest, days",
    "regulator.queue.day": "Day",
    "regulator.queue.department": "Department",
    "regulator.queue.approved": "approved",
    "regulator.queue.refused": "refused",
    "regulator.queue.cancelled": "taken back",
    "regulator.queue.schema": "Schema",
    "regulator.queue.state": "State",
    "regulator.queue.issued": "new",
    "regulator.queue.unchanged": "unchanged",
    "regulator.queue.replaced": "changed",
    "regulator.queue.renewed": "renewed",
    "regulator.queue.rejected": "not accepted",
    "regulator.queue.withdrawn": "withdrawn",
    "regulator.push.nothing": "No push of which anything is told.",
    "regulator.push.unspecified": "not known",
    "regulator.push.running": "goes on",
    "regulator.push.standing": "stands still",
    "regulator.push.finished": "finished",
    "regulator.view.days": "From {first} to {last}",
    "regulator.view.none": "(none)",
    "regulator.view.nothing": "Nothing was counted.",
    "regulator.view.written": "Written: {path}",
    "regulator.view.least": "{month}, without what was counted fewer than {least} times",
    "regulator.by.day": "Day",
    "regulator.by.verifier": "Verifier",
    "regulator.by.policy": "Policy",
    "regulator.by.department": "Department",
    "regulator.by.purpose": "Purpose",
    "regulator.kind.asked": "asked",
    "regulator.kind.answered": "answered",
    "regulator.kind.declined": "declined",
    "regulator.kind.expired": "unanswered",
    "regulator.kind.over-asked": "over-asked",
    "regulator.kind.offered": "offered",
    "regulator.kind.claimed": "claimed",
    "regulator.kind.revoked": "revoked",
    "regulator.kind.opened": "opened",
    "regulator.kind.submitted": "submitted",
    "regulator.kind.overdue": "overdue",
    "regulator.chart.time": "Requests over time",
    "regulator.chart.purpose": "Requests by purpose",
    "regulator.chart.refusals": "Requests declined or left unanswered, by verifier",
    "regulator.chart.over_asking": "Requests refused for asking too much, by verifier",
    "regulator.chart.department": "Requests by the department whose data they concern",
    "regulator.chart.overdue": "Parts of errands that are overdue, by counter",
    "regulator.chart.axis": "how often",
    "regulator.chart.nothing": "none in these days",
    "regulator.chart.others": "all others",
}
