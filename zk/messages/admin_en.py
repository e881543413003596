"""What administrators read, in English."""

from typing import Final

MESSAGES: Final = {
    "help.admin": "For administrators: who they are, and what takes two of them.",
    "help.admin.add": "Make an administrator, by the hash of the secret that the person has made.",
    "help.admin.rename": "Change what an administrator is called.",
    "help.admin.secret": "Make a secret and print its hash; with --replace replace one's own.",
    "help.admin.remove": "End an administrator for good.",
    "help.admin.list": "List administrators; with --verify check all actions against the ledger.",
    "help.admin.actions": "List the actions that wait for another person.",
    "help.admin.show": "Show an action with every field of what would be sent.",
    "help.admin.approve": "Approve what another person has proposed; it is carried out then, once.",
    "help.admin.reject": "Reject an action, or take one's own back.",
    "help.admin.name": "The administrator's identifier: a-z, 0-9 and dashes, such as ann.",
    "help.admin.id": "The action, as --propose has printed it.",
    "help.admin.hash": "Hash of the secret, as zk admin secret has printed it; of somebody else's secret.",
    "help.admin.replace": "Make a new secret in place of the one that is here, which ends.",
    "help.admin.verify": "Check every step of every action against the ledger, which is read whole.",
    "help.admin.all": "Those that were decided on or are over too.",
    "help.admin.digest": "Approve only if this is the digest, as zk admin show has printed it.",
    "help.admin.yes": "Do not show and ask; for what was looked at before, with --digest.",
    "help.option.propose": "Propose it: another person approves, and then it is done.",
    "admin.proposed": (
        "Proposed as {id}. Another administrator looks at it and decides, before {expires} UTC: "
        "zk admin approve {id}. Whatever else this command does: give it again when that is done."
    ),
    "admin.secret_waits": (
        "The new secret waits in {path}. The one before stays and counts until this is approved; "
        "from then on the commands that need it use the new one by themselves."
    ),
    "admin.state.proposed": "{id}: {method} waits for another person than {proposer}",
    "admin.state.approved": "{id}: {method} of {proposer}, approved by {decider}, is being carried out",
    "admin.state.done": "{id}: {method} of {proposer}, approved by {decider}, was done",
    "admin.state.failed": "{id}: {method} of {proposer}, approved by {decider}, failed: {reason}",
    "admin.state.rejected": "{id}: {method} of {proposer} was rejected by {decider}",
    "admin.state.expired": "{id}: {method} of {proposer}: nobody decided in time",
    "admin.proposer": "Proposed by {proposer} on {created} UTC; it would send this, and nothing else:",
    "admin.digest": "Digest: {digest}",
    "admin.ask_approve": "Approve exactly this? (yes, y or 是)",
    "admin.secret": "The secret of {administrator} is in {path}; show it to nobody. Its hash: {hash}",
    "admin.secret_set": "{administrator} has another secret now.",
    "admin.removed": "{administrator} is removed.",
    "admin.active": "{name}  {administrator}",
    "admin.ended": "{name}  {administrator}  (removed)",
    "admin.none": "There is no administrator but root, who holds admin.token.",
    "admin.nothing_waits": "Nothing waits for another person.",
    "admin.verified": "Everything holds: {actions} actions, {records} records on the ledger.",
    "error.secret_exists": "{path} holds a secret already. With --replace it is replaced by a new one.",
    "error.hash_missing": (
        "Whoever proposes an administrator has no part in the secret: have the person make it at home "
        "(zk admin secret {name}), and say its hash with --hash."
    ),
    "error.hash_invalid": "A hash is 64 hexadecimal digits, as the command that makes the secret prints it.",
    "error.action_unreadable": (
        "The request of {id} holds something that would not be shown. Do not approve it: zk admin reject {id}"
    ),
    "error.action_mismatch": (
        "{id} has another digest than the one that was said; look at it: zk admin show {id}"
    ),
    "error.not_approved": "It was not approved, and waits.",
    "error.action_differs": "What the ledger has of {id} is not what the service says.",
    "error.actions_missing": (
        "{count} records of administration on the ledger belong to no action that the service shows."
    ),
}
