"""What the commands say, in English."""

from typing import Final

MESSAGES: Final = {
    # errors
    "error.department_not_here": (
        "This home has no token for {department}. Register the department here, or name its home with --home."
    ),
    "error.department_none": (
        "No department is registered in this home: zk issuer register DEPARTMENT, or name one with "
        "--department."
    ),
    "error.department_unclear": "Say which department with --department. Here are: {here}",
    "error.admin_token_missing": (
        "The administrator's token is needed: --admin-token-file FILE, or ZK_ADMIN_TOKEN."
    ),
    "error.bank_failed": "The bank's program ended with {code}.",
    "error.branch_unclear": (
        "The request can be answered in more ways than one, or not in the first. Say which with --branch: "
        "{branches}. Whoever is answered by a later one may guess that you cannot answer the earlier ones."
    ),
    "error.output_in_use": (
        "{path} holds something else than a demo's output; name another folder with --output."
    ),
    "error.entries_with_gaps": "The service left out entry {index}.",
    "error.export_damaged": "{path} is damaged. Remove it and export again.",
    "error.escrow_none": "This record holds no sealed identity.",
    "error.escrow_unclear": "Say which sealed identity with --escrow. There are: {here}",
    "error.evidence_unclear": "Name either a record, or all of --request, --presentation and --receipt.",
    "error.evidence_unreadable": "The files are no SignedRequest and no CompositePresentation.",
    "error.file_unreadable": "{path} cannot be read.",
    "error.file_too_large": "{path} is larger than any file that this command reads.",
    "error.handle_unreadable": "{handle} is no handle: 64 hexadecimal digits, in lower case.",
    "error.identify": (
        "{schema} is of the composite form: say whose it will be, either with --person or with --requires."
    ),
    "error.identify_plain": "{schema} is of the plain form, which takes neither --person nor --requires.",
    "error.index_unknown": "There is no such entry; the log has {size:entry/entries}, counted from 0.",
    "error.interrupted": "Interrupted.",
    "error.items_none": "There is no item {item}, nor any other: nothing is registered here yet",
    "error.item_not_offered": "Nobody offers {item} here",
    "error.item_unknown": "There is no item {item}. There are: {known}",
    "error.item_unknown_near": "There is no item {item}. Did you mean {near}?",
    "error.ledger_changed": "{path} is not the ledger that was signed. {detail}",
    "error.ledger_of_another_log": (
        "{path} is signed by another log's key, not by {key}. If you have that log's key from its operator, "
        "name it: --key FILE"
    ),
    "error.link_incomplete": (
        "The link is incomplete. Copy the whole of it and put it in quotes: 'zk://...'; "
        "without them a shell cuts it off at &."
    ),
    "error.link_other": (
        "The link is damaged, or for the other command: zk vault claim takes zk://offer?..., "
        "zk vault present takes zk://present?..."
    ),
    "error.log_key_changed": (
        "WARNING: THE LOG'S KEY IS NOT THE ONE THAT WAS PINNED. Nothing was done. Somebody may be "
        "showing you another log. Where the log has changed its key, zk ledger trust --follow moves the pin "
        "by proof. Pinned: {pinned}  Now: {other}"
    ),
    "error.log_key_malformed": "{path} is neither a log's verifier key nor a file that holds one.",
    "error.log_key_unknown": (
        "No log key is pinned. Get it from the operator, then: "
        "zk ledger trust FILE --server HOST:PORT --root ROOT.pem"
    ),
    "error.log_shrank": "The log had {before:entry/entries} and now shows {now}. It must never shrink.",
    "error.names_missing": "{name} is not in the catalogue: say --name-zh and --name-en.",
    "error.no_server_configured": (
        "No service was ever named here: zk ledger trust KEY --server HOST:PORT --root FILE"
    ),
    "error.no_codes": "{attribute} has no codes.",
    "error.not_revocable": (
        "{offer} was claimed when the department had no accumulator; it cannot be revoked."
    ),
    "error.nobody_to_ask": "There is nobody to ask here. With --yes a script consents.",
    "error.not_started": "The service cannot start: {detail}",
    "error.not_trusted": "You said no. The regulator is not trusted.",
    "error.offer_unclaimed": "{offer} was not claimed: there is nothing to revoke.",
    "error.opening_invalid": "{path} is no opening.",
    "error.passphrase_differs": "The two passphrases differed each time. Nothing was done.",
    "error.passphrase_missing": "A passphrase is needed: --passphrase-file FILE, or {variable}.",
    "error.profile_damaged": "{path} is damaged. Remove it and pin the log's key again.",
    "error.record_exists": "{path} is there already; no record is overwritten. Name another file.",
    "error.answers_missing": "The policy counts numbers of other answers: add {options}",
    "error.answer_unclear": "An answer is given once, as NAME=RECORD: {given}",
    "error.answer_plain": "{path} is a record of the plain form, which commits to no number.",
    "error.record_plain": "This record holds no sealed identity: {path} is of the plain form.",
    "error.regulator_unclear": "Say who opens with --as. Here are: {here}",
    "error.regulator_untrusted": "The vault does not trust {name}.",
    "error.revoke_what": "Say what to revoke: handles, or --offer.",
    "error.schema_unregistered": "No schema {item} is registered. Register it: zk issuer schema {item}",
    "error.secret_unreadable": "{path} holds no secret: 64 hexadecimal digits.",
    "error.server_invalid": "{server} is not host:port.",
    "error.setting_invalid": "The setting {name} is invalid: {detail}",
    "error.source_tree": "{path} is missing: the demo runs in a clone of the project.",
    "error.system": "{path}: {problem}",
    "error.timed_out": "The service at {server} did not answer in time.",
    "error.token_exists": "{path} holds a token already. With --replace it is overwritten.",
    "error.unexpected": "Something went wrong that nobody foresaw ({kind}). ZK_DEBUG=1 shows where.",
    "error.unreachable": "The service at {server} cannot be reached.",
    "error.untrusted": (
        "The service at {server} answers, but its certificate is not for this name or not signed by the "
        "known root. Name the operator's root with --root FILE."
    ),
    "error.usage": "The command is not written as it has to be: {detail}",
    "error.value_code": "{id} ({name}) is one of: {codes}",
    "error.value_code_of_many": (
        "{id} ({name}) is one of the {count} codes of {system}, which stand in the file that its schema "
        "comes from; the first are: {codes}"
    ),
    "error.value_form": "{id} ({name}) is written like {form}",
    "error.value_unreadable": "A value is written NAME=VALUE, each name once: {name}",
    "error.values_file_invalid": "{path} is not a list of name: value.",
    "error.verifier_key_missing": (
        "{path} is missing: this home has no key of {verifier}. Make and register one: "
        "zk verifier register {verifier}"
    ),
    "error.verifier_none": "No verifier is registered in this home: zk verifier register ID",
    "error.verifier_unclear": "Say who asks with --as. Here are: {here}",
    "option.help": "Show this and end.",
    # serve
    "serve.ready": "The service is ready at {address}. Ctrl-C ends it.",
    "serve.http": "The log is served over HTTP on port {port}.",
    "serve.log_key": "Log key: {key}",
    "serve.files": (
        "In {data}: ca.pem (root), log.vkey (log key), admin.token (administrator). Keep the last one secret."
    ),
    "serve.ending": "The service is ending; calls in flight are finished first.",
    "keyed.ready": "The check service of {department} is ready at {address}, on {curve}. Ctrl-C ends it.",
    "keyed.keys": "Digest of its keys, which counters and holders pin: {keys}",
    "keyed.stopped": "The check service has ended.",
    "keyed.admitted": "{counter} may ask; its token is in {path}.",
    "keyed.dismissed": "{counter} may ask no more: {count:token/tokens} forgotten.",
    "error.keyed_missing": "Keyed verification is not installed here (petlib): run scripts/keyed.sh.",
    "serve.stopped": "The service has ended. Nothing was lost.",
    # issuer
    "issuer.registered_by_hash": "{name} is registered as {department}, with the token that it made itself.",
    "issuer.registered": "{name} is registered as {department}. Its token: {path}",
    "issuer.schema": "{name} is registered as {schema}: {count:attribute/attributes}, digest {digest}",
    "issuer.key": "Issuer key {key} ({suite}). Its public half stands on the ledger.",
    "issuer.accumulator": "Accumulator {accumulator} ({suite}). Its public half stands on the ledger.",
    "issuer.digits": (
        "The digits of {department} are published as {table}. Their record stands on the ledger."
    ),
    "issuer.codes": "{count:code/codes} of {system} published as {table}. The record stands on the ledger.",
    "issuer.codes_digest": "Policies that mean this very list name it by what it says: digest: {digest}",
    "issuer.revoked_before": "{offer} was revoked already (epoch {epoch}); nothing was done.",
    "issuer.revoked": "{count:credential/credentials} revoked: epoch {epoch} stands on the ledger.",
    "issuer.offer": "{name} is signed and waits for its holder until {expires}.",
    "issuer.offer_composite": (
        "{name} waits for its holder until {expires}; it is signed when the vault has committed to its "
        "secret. Revoke it later: zk issuer revoke --offer {offer} --department {department}"
    ),
    "issuer.secret_kept": (
        "A new secret for {attribute} is kept in {path}; name it for the next credential about the same: "
        "{attribute}=@{path}"
    ),
    "issuer.offer_secret": "Give the link to the holder only: whoever has it can claim.",
    "issuer.none": "Nothing is registered.",
    # vault
    "vault.passphrase": "Passphrase",
    "vault.passphrase_again": "Once more",
    "vault.passphrase_differs": "The two differ.",
    "vault.new_passphrase": "New passphrase",
    "vault.created": "The vault is ready: {path}",
    "vault.passphrase_changed": "The passphrase was changed.",
    "vault.claimed": "{name} is in the vault. Issued by {department}, valid until {expiry}.",
    "vault.empty": "The vault holds no credential.",
    "vault.id": "Number",
    "vault.name": "Credential",
    "vault.issuer": "Issued by",
    "vault.expiry": "Valid until",
    "vault.revocation": "Revocation",
    "vault.not_followed": "not followed",
    "vault.known_until": "not revoked at {time}",
    "vault.revoked": "REVOKED, learnt at {time}",
    "vault.shown_title": "{name} ({id})",
    "vault.choose": "Which one to show? Several fit: {names}. Choose with --use ID.",
    "vault.missing": "{name} is missing. {department} issues it.",
    "vault.consent_service": "The service that carries the answer sees what is revealed while it checks it.",
    "vault.ask_consent": "Show this? Type yes, y or 是 to consent; anything else declines:",
    "vault.ask_branch": (
        "By which one do you answer: {branches}? By a later one, they may guess that you cannot answer the "
        "earlier ones. Type its name:"
    ),
    "vault.ask_claim": "Show this to claim it? Type yes, y or 是 to consent; anything else declines:",
    "vault.ask_handover": "Tell the other holder? Type yes, y or 是 to consent; anything else declines:",
    "vault.handover_key": "From your device to the other holder's, for zk vault hand-over USE --to KEY:",
    "vault.handed_over": "For the other holder, who alone can read it: zk vault take-over NUMBER",
    "vault.taken_over": "The number is in the vault. “{purpose}” can be answered with it until {expires}.",
    "vault.presented": (
        "Shown and verified. The receipt stands in the ledger as entry {index} (counted from 0); "
        "the log has {size:entry/entries}."
    ),
    "vault.history_none": "Nothing was shown yet.",
    "vault.history_time": "When",
    "vault.history_verifier": "To whom",
    "vault.history_purpose": "For what",
    "vault.history_shown": "What",
    "vault.history_state": "Receipt",
    "vault.history_proven": "{count} proven",
    "vault.history_escrowed": "{count} escrowed",
    "vault.receipt_holds": "entry {index}, checked",
    "vault.receipt_fails": "DOES NOT HOLD: {reason}",
    "vault.refused": "refused: {reason}",
    "vault.shown_for_claim": "none: shown to claim",
    "vault.sent": "sent, not answered: zk vault resume",
    "vault.resumed": "{answered} answered, {refused} refused, {open} still open.",
    "vault.trusts": "{name}  {regulator}  key {digest}",
    "vault.trusts_nobody": "No regulator is trusted with an identity.",
    "vault.ask_trust": (
        "May your identity be escrowed to this key of two officers? Both together can open it, neither "
        "alone, and nobody else. An honest officer's part stands on the ledger before the other has it; two "
        "dishonest ones can open it unseen. Compare the key with what the regulator publishes. Type yes, y "
        "or 是 to trust it:"
    ),
    "vault.updating": "Catching up",
    "vault.nothing_to_follow": "No credential here can be revoked.",
    "vault.update_none": "{name} ({id}): its department revokes nothing.",
    "vault.update_known": "{name} ({id}): not revoked at {time}.",
    "vault.update_revoked": "{name} ({id}): REVOKED, learnt at {time}.",
    "vault.following": "Following. Ctrl-C ends it.",
    "vault.follow_failed": "Tried again soon: {problem}",
    "vault.follow_ended": "Ended. The vault keeps what was reached.",
    "vault.no_openings": "None of your identities was opened, as far as the ledger tells.",
    "vault.openings_seen": (
        "Looked at the whole ledger: {size:entry/entries}, nothing of what was seen before is gone."
    ),
    "vault.openings_until": "Its last block is of {time}; what is opened later is not in it yet.",
    "vault.opening_time": "You showed it",
    "vault.opening_regulator": "Opened by",
    "vault.opening_entry": "Entry",
    # verifier
    "verifier.registered": "{name} is registered as {verifier}. Its key: {path}",
    "verifier.asked": "Asked: {purpose}. It can be answered until {expires}.",
    "verifier.waiting": "Waiting for the answer.",
    "verifier.answered": "Answered. Every proof and the receipt hold.",
    "verifier.credential": "{name}, signed by {department}",
    "verifier.branch": "Answered by “{branch}”: everything that it asks is proven.",
    "verifier.pseudonym": "  Pseudonym {id}: {pseudonym}",
    "verifier.escrow": "  Escrow {id}: {of}, which two officers of the regulator can open together",
    "verifier.policy_holds": "The policy {policy} can be asked and answered.",
    "verifier.scope_waits": "Signed. The file now goes to: {members}",
    "verifier.scope_whole": "Signed by all its members. Policies can name it.",
    "verifier.expiry": "Valid until",
    "verifier.receipt": (
        "The receipt stands in the ledger as entry {index} (counted from 0); "
        "the log has {size:entry/entries}."
    ),
    "verifier.kept": "Kept in {path}; check it again at any time: zk verifier check {path}",
    "verifier.holds": "The record holds. {verifier} asked, verified at {time}.",
    # ledger
    "ledger.pinned": "Pinned in {home}: {key}",
    "ledger.not_pinned": "Warning: no log key is pinned; the service's own word is believed for {key}",
    "ledger.key_of_file": (
        "Warning: the log's key comes from the file itself. Compare it with the operator's."
    ),
    "ledger.checkpoint": "{origin}: {size:entry/entries}, root {root}. The signature holds.",
    "ledger.consistent": "It contains unchanged what was seen before: {size:entry/entries}.",
    "ledger.exporting": "Exporting",
    "ledger.verifying": "Recomputing",
    "ledger.exported": "{path}: {octets:octet/octets}, audited.",
    "ledger.verified": "{path} holds: every hash, every block and the signature.",
    "ledger.counts": (
        "{size:entry/entries}: {receipts:receipt/receipts}, {records:record/records}, {blocks:block/blocks}."
    ),
    "ledger.root": "Root: {root}",
    "ledger.key": "Log key: {key}",
    "ledger.entry": (
        "Entry {index} (counted from 0); the log has {size:entry/entries}. Its place is proven."
    ),
    "ledger.place_entry": "Line {line}, entry {first} (counted from 0).",
    "ledger.place_line": "Line {line}.",
    "ledger.place_entries": "Line {line}, entries {first} to {last} (counted from 0).",
    # doctor
    "doctor.ok": "ok",
    "doctor.warn": "warning",
    "doctor.fail": "FAULT",
    "doctor.row": "{name}:",
    "doctor.name.python": "Python",
    "doctor.name.group": "Arithmetic",
    "doctor.name.libraries": "Libraries",
    "doctor.name.files": "Files",
    "doctor.name.server": "Service",
    "doctor.name.certificate": "Certificate",
    "doctor.name.clock": "Clock",
    "doctor.name.log_key": "Log key",
    "doctor.python": "{version}",
    "doctor.group": (
        "{group} is in use; it is constant-time where secrets are. A proof costs {proof_ratio} pairing "
        "checks ({proof_ms} ms), its verification {verify_ratio} ({verify_ms} ms); a pairing check takes "
        "{pairing_check_ms} ms. Also installed: {others}."
    ),
    "doctor.group_not_constant_time": (
        "{group} is in use; it is NOT constant-time: for trying out, not for real keys. A proof costs "
        "{proof_ratio} pairing checks ({proof_ms} ms), its verification {verify_ratio} ({verify_ms} ms); a "
        "pairing check takes {pairing_check_ms} ms. Also installed: {others}."
    ),
    "doctor.home_missing": "{home} does not exist yet.",
    "doctor.files_open": "Others can read: {files}. Run chmod -R go= on the folder.",
    "doctor.files_closed": "Only you can read {home}.",
    "doctor.server": "{server} answers; the log has {size:entry/entries}.",
    "doctor.certificate": "Valid until {expires}: {days:day/days} left.",
    "doctor.certificate_not_taken": (
        "Valid until {expires}: {days:day/days} left. What lies in the server's files now is not taken: "
        "its log says why."
    ),
    "doctor.certificate_refused": "It does not verify ({problem}).",
    "doctor.clock": "Not behind the newest block: {block_time}.",
    "doctor.clock_behind": "This clock is {seconds} s behind the newest block.",
    "doctor.clock_unknown": "The log has no block to compare with.",
    "doctor.log_key": "Pinned: {key}",
    "doctor.log_key_missing": "None is pinned: zk ledger trust FILE",
}
