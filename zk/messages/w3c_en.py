"""What people read of W3C documents, in English."""

from typing import Final

MESSAGES: Final = {
    "help.vault.w3c": "Credentials as W3C documents, with proofs that other software checks too.",
    "help.vault.w3c.claim": "Claim an offered credential of the plain form, and the same as a W3C document.",
    "help.vault.w3c.list": "List the documents, without their values.",
    "help.vault.w3c.derive": "Show some attributes of a document to one verifier, with a proof.",
    "help.vault.w3c.remove": "Remove a document from the vault for good.",
    "help.vault.w3c_document": "The document's number, or its beginning.",
    "help.vault.w3c_show": "An attribute to show; more than once for several.",
    "help.vault.w3c_to": "The verifier that the proof is for.",
    "help.vault.w3c_nonce": "The verifier's nonce, in hexadecimal digits.",
    "help.vault.w3c_out": "File to write the document to; else it is printed.",
    "help.vault.w3c_remove_yes": "Remove it without being asked.",
    "help.vault.w3c_yes": "Agree to what is shown without being asked.",
    "help.verifier.w3c": "Checks W3C documents that holders show.",
    "help.verifier.w3c.nonce": "Make a nonce: one holder is given it, and it is good for one document, here, "
    "for a day.",
    "help.verifier.w3c.check": "Check a W3C document: its proof, its key on the ledger, its last day.",
    "help.verifier.w3c_document": "File with the document.",
    "help.verifier.w3c_nonce": "The nonce that the holder was given.",
    "help.verifier.w3c_accept_unbound": "Accept a document that is bound to nobody's vault.",
    "error.w3c_nonce_unknown": "The nonce was not made in this home, or has expired, or a document has "
    "used it up.",
    "error.w3c_unbound": "The document is bound to nobody: whoever has the whole of it can show it. It is "
    "taken with --accept-unbound only.",
    "vault.w3c_claimed": "The same is there as a W3C document, bound to this vault: {id}",
    "vault.w3c_none": "The vault holds no W3C document.",
    "vault.w3c_shows": "This is shown to {verifier}:",
    "vault.w3c_always": "And always: the issuer, the kind of credential, valid until {expiry}.",
    "vault.ask_w3c": "Show this?",
    "vault.w3c_removes": "This is removed for good: {name}, from {department}, {id}.",
    "vault.ask_w3c_remove": "Remove it?",
    "vault.w3c_removed": "The document is removed. Credentials are left as they are.",
    "vault.w3c_kept": "Nothing was removed.",
    "vault.w3c_declined": "Nothing was shown.",
    "vault.w3c_written": "The document is in {path}. It is good for this verifier's nonce only.",
    "verifier.w3c_holds": "The document holds: {name}, signed by {key}.",
    "verifier.w3c_bound": "It is bound to its holder's vault.",
    "verifier.w3c_not_bound": "It is bound to nobody: whoever has the whole document can show it.",
}
