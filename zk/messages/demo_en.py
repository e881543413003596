"""What the demo says, in English."""

from typing import Final

MESSAGES: Final = {
    "demo.step.server": "Starting a server with TLS and a fresh SQLite file.",
    "demo.step.register": (
        "Five departments publish keys, digits, lists and accumulators; a regulator, two schools and a "
        "bank register."
    ),
    "demo.step.issue": "Each parent gets an identity card, and on presentation of it the other credentials.",
    "demo.step.school": (
        "The school asks who may enrol; the first parent proves it and shows no district, date or name."
    ),
    "demo.step.second": "The other parent comes with the same child.",
    "demo.step.bank": (
        "The bank asks four departments' credentials at once with its own program, examples/bank.py."
    ),
    "demo.step.refusals": "Now what must fail.",
    "demo.step.revoked": "A credential is revoked, and shown all the same.",
    "demo.step.regulator": (
        "Two officers of the regulator open one identity out of the bank's record, and neither alone."
    ),
    "demo.step.ledger": "The ledger is exported and recomputed, then a copy is tampered with.",
    "demo.views.title": "What each party saw",
    "demo.views.0": "Who",
    "demo.views.1": "Learnt",
    "demo.views.2": "Stayed hidden",
    "demo.view.service": "The service",
    "demo.view.service_learns": (
        "What the verifiers learn, while it verifies; it keeps it sealed for them. Not who the holder is."
    ),
    "demo.view.public": "Everybody, on the ledger",
    "demo.view.public_learns": (
        "That receipts, keys, tables, revocations and an opening exist, and when. No value, no name, "
        "nothing that links two uses."
    ),
    "demo.view.departments": "The departments",
    "demo.view.departments_learns": (
        "That their credentials were claimed, and what they revoke. Nothing about how they are used."
    ),
    "demo.learnt.counts": "signed by {department}, valid today, not revoked; neither day is shown",
    "demo.learnt.one_holder": "That all of it belongs to one holder",
    "demo.learnt.equal": "That all {count} are about one person, without the number",
    "demo.learnt.pseudonym": (
        "A pseudonym of the {id}, the same whichever parent comes; another school or year gets another"
    ),
    "demo.learnt.escrow": "A sealed identity, which two officers of {regulator} can open together",
    "demo.view.regulator_learns": (
        "One identity, in the case {case}; it stands on the ledger as entry {index}, where the holder's "
        "vault sees it."
    ),
    "demo.view.regulator_hidden": "everything else, and everybody else",
    "demo.places.title": "Receipts on the chain, checked by the holder offline",
    "demo.places.0": "For",
    "demo.places.1": "Entry",
    "demo.places.2": "Block",
    "demo.places.3": "Log size",
    "demo.places.4": "Check",
    "demo.places.after_forgery": "{party}: the true answer, after a forged one was refused",
    "demo.holds": "holds",
    "demo.refusals.title": "What must fail",
    "demo.refusals.0": "Attempt",
    "demo.refusals.1": "Status, reason, detail",
    "demo.refusals.2": "Outcome",
    "demo.refused": "refused",
    "demo.not_as_it_must": "NOT AS IT MUST",
    "demo.refused.changed_attribute": "Another district than the signed one",
    "demo.refused.second_enrolment": "The same child, enrolled once more by the other parent",
    "demo.refused.replayed": "An accepted answer, sent again by a stranger",
    "demo.refused.replayed_elsewhere": "The same into another exchange",
    "demo.refused.other_verifier": "An answer for one school, sent to another",
    "demo.refused.other_verifier_rewritten": "The same with the request's digest rewritten",
    "demo.refused.expired": "An answer after the request has ended",
    "demo.refused.old_witness": "A revoked credential, shown with the witness of before",
    "demo.refused.old_witness_renumbered": "The same, with the number of the newest epoch written over",
    "demo.refused.revoked": "A revoked credential, in an honest vault",
    "demo.refused.unknown_issuer": "A household register signed with a key that nobody registered",
    "demo.refused.tampered_ledger": "One letter changed in a copy of the ledger (zk ledger verify)",
    "demo.sizes.title": "Sizes",
    "demo.sizes.0": "What",
    "demo.sizes.1": "Octets",
    "demo.size.signature": "Signature of a credential",
    "demo.size.digits": "Table of digits of a department",
    "demo.size.request_school": "Request of the school",
    "demo.size.proof_school": "Proof to the school, of two credentials",
    "demo.size.presentation_school": "Whole presentation to the school",
    "demo.size.request_bank": "Request of the bank",
    "demo.size.proof_bank": "Proof to the bank, of four credentials",
    "demo.size.presentation_bank": "Whole presentation to the bank",
    "demo.size.note": "Holder's note on the ledger",
    "demo.size.receipt": "Receipt",
    "demo.size.record": "The school's record",
    "demo.size.ledger": "Ledger file",
    "demo.times.title": "Times",
    "demo.times.0": "What",
    "demo.times.1": "Milliseconds",
    "demo.times.2": "Pairing checks",
    "demo.time.issuer_key": "Make an issuer key, onto the ledger",
    "demo.time.digits": "Publish a table of digits, onto the ledger",
    "demo.time.issue": "Offer a credential, over gRPC",
    "demo.time.claim": "Claim and check it: request, proof, signature, witness",
    "demo.time.prove": "Prove all that one request asks, and check it",
    "demo.time.submit": "Submit, verified, on the ledger, receipt checked",
    "demo.time.verify": "The school fetches the answer and verifies",
    "demo.time.verify_proofs": "Verify the one proof, without the network",
    "demo.time.revoke": "Revoke a credential, onto the ledger",
    "demo.time.open": "Open an escrowed identity, proof included",
    "demo.time.record_opening": "Record the opening on the ledger",
    "demo.time.receipt": "Check a receipt offline",
    "demo.time.ledger": "Export the ledger and recompute it",
    "demo.time.pairing_check": "One pairing check",
    "demo.ledger": (
        "Ledger: {path}, {size:entry/entries} ({receipts:receipt/receipts}, "
        "{blocks:block/blocks}), root {root}"
    ),
    "demo.try": "Look at it: {zk} ledger verify {path} --key {folder}/server/log.vkey",
    "demo.no_leak": (
        "Names, numbers and the secrets of child and home were looked for in every file of service, "
        "verifiers and ledger, and found in none."
    ),
    "demo.leak": "NAME, NUMBER OR SECRET FOUND: {where}",
    "demo.opened": (
        "The regulator opened one identity (entry {index}); the holder's vault, and no other, recognised it."
    ),
    "demo.not_opened": "THE OPENING WAS NOT AS IT MUST BE (entry {index}).",
    "demo.same_receipt": "The same answer, sent again by the holder's vault, gave the stored receipt.",
    "demo.other_receipt": "THE SAME ANSWER GAVE ANOTHER RECEIPT.",
    "demo.well": "Everything went as it must, in {seconds} s.",
    "demo.ill": "NOT EVERYTHING WENT AS IT MUST ({seconds} s).",
}
