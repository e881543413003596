"""What is said of registered policies and pairing codes, in English."""

from typing import Final

MESSAGES: Final = {
    "help.verifier.policies": "What this verifier may ask: register, list, end",
    "help.verifier.policies.register": "Register what a policy's file asks, no more and no less",
    "help.verifier.policies.list": "List the registered policies of a verifier",
    "help.verifier.policies.deprecate": "End a policy: no request is opened by it any more",
    "help.verifier.policy_name": "The policy's name: verifiers/ID/policies/POLICY@VERSION",
    "help.verifier.pairing": "Have the holder type a code that only this screen shows",
    "help.vault.pairing_code": "The code that the verifier's screen shows, if it shows one",
    "verifier.policy_registered": "Registered: {policy}. From now on it allows this, and nothing else:",
    "verifier.policy_item": "  {item}: shown {shown}; proven about {proven}",
    "verifier.policy_nothing": "nothing",
    "verifier.policy_in_use": "{policy}: in use",
    "verifier.policy_ended": "{policy}: ended",
    "verifier.policy_none": "{verifier} has registered no policy",
    "verifier.policy_receipt.pending": "  Accepted as soon as there is a receipt",
    "verifier.policy_receipt.anchored": "  Accepted only once witnesses have cosigned (anchored)",
    "verifier.policy_receipt.ordered": "  Accepted only once it is in the consortium's order (ordered)",
    "verifier.quorum_unknown": (
        "Its policy demands an anchored receipt, and nobody's cosignatures count here: "
        "zk ledger trust --policy FILE"
    ),
    "verifier.by_policy": (
        "Asked by {policy}: {purpose}. Legal basis: {basis}. What is shown is kept for {days} day(s)."
    ),
    "verifier.pairing": "Pairing code: {code} (show it on this screen, send it to nobody)",
    "vault.ask_pairing": "Type the code that the verifier's own screen shows:",
    "reason.POLICY_UNKNOWN": (
        "The request names no policy that its verifier has registered (zk verifier policy register)"
    ),
    "reason.PURPOSE_UNKNOWN": "The policy names a purpose that nobody has registered",
    "reason.PURPOSE_MISMATCH": "The policy says its purpose or legal basis otherwise than that is registered",
    "reason.RECEIPT_STATE_DEMANDED": (
        "The registered policy demands an anchored or an ordered receipt, which is not waited for here"
    ),
    "reason.POLICY_DEPRECATED": "The policy that the request names was ended",
    "reason.OVER_ASKING": "The request asks more than its policy allows",
    "reason.PAIRING_REQUIRED": "The request takes the code that the verifier's screen shows (--pairing-code)",
    "reason.PAIRING_WRONG": "This is not the code that the verifier's screen shows",
    "reason.PAIRING_FAILED": "Too many wrong codes were typed: the verifier has to ask again",
    "reason.PAIRING_CLOSED": "Too many wrong codes were typed, and nobody has answered: ask again",
}
