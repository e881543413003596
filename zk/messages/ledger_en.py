"""What operators read of witnesses and of what cities do for one another's ledgers, in English."""

from typing import Final

MESSAGES: Final = {
    "help.ledger.init": "Make a log's key before its server first runs, so that policies can name it.",
    "help.ledger.origin": "The log's origin, for instance city.example/log; it is the key's name for ever.",
    "ledger.begun": "The log in {path} has its key.",
    "help.witness": "Cosign other operators' logs.",
    "help.witness.init": "Make a witness's folder, its key and its store.",
    "help.witness.retire": "Forget a key that no policy names any more, from the next start on.",
    "help.witness.rotate": "Add a key of the same name; the old ones cosign beside it until they retire.",
    "help.witness.serve": "Run the witness (C2SP tlog-witness).",
    "help.witness.show": "What a witness has cosigned, log by log; it may be running.",
    "help.witness.data": "The witness's folder.",
    "help.witness.policy": "Policy file (C2SP tlog-policy) that names known logs; may be given again.",
    "help.witness.name": "The key's name, for instance witness.city.example.",
    "help.witness.ml_dsa": "A key of ML-DSA-44, meant to hold against quantum computers, beside Ed25519.",
    "help.witness.key_id": "The key's identifier, the 8 digits between the plus signs of the verifier key.",
    "help.witness.host": "Address to listen on.",
    "help.witness.port": "Port to listen on; 0 lets the system choose.",
    "help.witness.certificate": "Certificate chain, PEM; without it HTTP is plain, as behind a proxy.",
    "help.witness.private_key": "The certificate's private key, PEM.",
    "error.witness_exists": "There is a witness in {path} already; `zk witness rotate` adds a key to it.",
    "witness.made": "The witness in {path} has a new key. Never run it from an older copy of this folder: "
    "it would have forgotten what it cosigned. If the folder is lost, make another witness.",
    "witness.key": "Verifier key: {key}",
    "witness.retired": "The key {key} cosigns no more once the witness is started again.",
    "witness.ready": "The witness listens on {address} for {count} logs.",
    "witness.stopped": "The witness has ended.",
    "witness.row": "{origin}: size {size}, root {root}, cosigned {time}; refused notes kept: {refused}",
    "witness.row_none": "Nothing was cosigned yet.",
    "help.ledger.rotate-key": "Let the log go over to another key; the server on the folder is stopped.",
    "help.ledger.rotate_data": "The server's folder.",
    "help.ledger.rotate_finish": "End the time in which both keys sign: the new key signs alone.",
    "help.ledger.follow": (
        "Move the pinned key, and the pinned policy with it, to the one that took its place; FILE is a proof."
    ),
    "help.ledger.key-proof": "Write the proof that a key follows the pinned one to a file.",
    "help.ledger.key_proof_file": "File to write.",
    "ledger.rotation_begun": "The log's next key is {new}. From the next start on it signs beside {old}.",
    "ledger.rotation_begun_next": (
        "Start the server, give everybody time for zk ledger trust --follow, then stop "
        "it and run this with --finish."
    ),
    "ledger.rotation_line": "Add to the policies that name this log, and give its witnesses: log {new}",
    "ledger.rotation_finished": "The key {old} is retired and its secret erased. {new} signs alone.",
    "ledger.rotation_finished_next": (
        "Start the server. Whoever still pins the old key runs zk ledger trust --follow."
    ),
    "ledger.followed": (
        "The log has proved that {new} follows {old}. It is pinned now; what the old key signed still holds."
    ),
    "ledger.policy_followed": (
        "The pinned policy names it too. Its witnesses vouch for the change; the quorum is {quorum}."
    ),
    "ledger.nothing_to_follow": "No other key has taken the place of {old}.",
    "ledger.key_proof": "{path} proves that {new} follows {old}: zk ledger trust --follow {path}",
    "error.log_key_missing": "Say which key: KEY|FILE, or --follow.",
    "error.log_key_not_followed": (
        "The service has no proof that starts from the pinned key. Nothing was done. Pinned: {key}"
    ),
    "error.change_not_anchored": (
        "The change of the log's key holds, but too few witnesses of the policy have cosigned it by now. "
        "Nothing was done; later the same command may do."
    ),
    "error.policy_lacks_key": (
        "The policy in {path} does not name the log's new key. Nothing was done. Add: log {key}"
    ),
    "error.policy_refuses_key": (
        "The policy cannot name both keys of the log: a witness has such a key, or there are too many lines. "
        "Nothing was done."
    ),
    "error.ledger_of_next_key": (
        "{path} is signed by {key}, and the ledger in it says that this key has taken the place of {pinned}. "
        "Nothing was done. First zk ledger trust --follow, which moves the pin by proof; then this again."
    ),
    "error.rotation_refused": "Nothing was done ({reason}): {detail}",
    "help.ledger.monitor": "Watch other operators' logs and raise an alarm, with evidence, when one cheats.",
    "help.ledger.monitor_policy": (
        "Policy file (C2SP tlog-policy) that names logs and witnesses; may be given again."
    ),
    "help.ledger.monitor_folder": (
        "The monitor's folder: what it has seen, its key, and alarms/ with the evidence."
    ),
    "help.ledger.monitor_witness": "URL of a further witness to compare with; may be given again.",
    "help.ledger.monitor_mirror": "URL of a mirror of one of the logs; may be given again.",
    "help.ledger.monitor_peer": "URL of another monitor to compare with; may be given again.",
    "help.ledger.monitor_name": "Name of the monitor's key, taken when the key is made.",
    "help.ledger.monitor_once": "Go round once and end.",
    "help.ledger.monitor_interval": "Seconds between two rounds.",
    "help.ledger.monitor_late": "So many seconds a log may take to show what it has signed.",
    "help.ledger.monitor_listen": "Listen for other monitors and for what people report, HOST:PORT.",
    "help.ledger.monitor_root": "Root certificate (PEM) to believe instead of the system's.",
    "help.ledger.evidence": "Verify a file of evidence, offline: who is accused of what, and is it proven?",
    "help.ledger.evidence_file": "File of evidence.",
    "help.ledger.evidence_policy": (
        "Policy file whose keys you trust to be the logs' and witnesses'; may be given again."
    ),
    "help.ledger.evidence_monitor": "Key of a monitor whose word you take; may be given again.",
    "help.ledger.report": "Tell a monitor the checkpoint in a receipt, and nothing else of the receipt.",
    "help.ledger.report_receipt": "Receipt file.",
    "help.ledger.report_to": "URL of the monitor.",
    "ledger.monitor_ready": "Watching {count} logs. The monitor's key: {key}",
    "ledger.monitor_trouble": "{source} fails: {detail}",
    "ledger.monitor_row": "{origin}: size {size}, root {root}",
    "ledger.monitor_ended": "The monitor has ended. Alarms: {count}.",
    "ledger.alarm_file": "Evidence: {path}",
    "ledger.evidence_compare": (
        "The file proves it of these keys. Compare them with those that you know: a name in a key is "
        "whatever its holder wrote."
    ),
    "ledger.evidence_monitor": "Not a monitor that you named: {key}. Anybody can write such a word.",
    "ledger.evidence_stranger": "Not a key of your policies: {key}",
    "ledger.reported": "The monitor at {url} has the checkpoint of the receipt.",
    "ledger.report_failed": "The monitor did not take it: {detail}",
    "ledger.accused": "Accused: {key}",
    "ledger.concerned": "About: {key}",
    "ledger.word_of": "On the word of: {key}",
    "ledger.grade.PROVEN": (
        "PROVEN, of the log {origin}. Nobody but the holder of an accused key can have brought this about."
    ),
    "ledger.grade.STATED": (
        "STATED by witnesses, of the log {origin}. It convicts nobody: the network may have failed."
    ),
    "ledger.grade.OBSERVED": (
        "OBSERVED by a monitor, of the log {origin}. It is the monitor's word and no proof."
    ),
    "ledger.fault.SAME_SIZE": (
        "Two trees of size {first_size} were signed, with the roots {first_root} and {second_root}."
    ),
    "ledger.fault.OTHER_BEGINNING": (
        "A tree of size {first_size} with root {first_root} was signed, and one of size {second_size} "
        "(root {second_root}) whose first {first_size} entries have the root {beginning}."
    ),
    "ledger.fault.TIMES_REVERSED": (
        "The tree of size {second_size} was cosigned at {second_time}, and at {first_time}, later, "
        "the smaller one of size {first_size} as the latest."
    ),
    "ledger.fault.EMPTY_TREE": (
        "A tree of size {size} was signed with the root {root}, which is not that of the empty tree."
    ),
    "ledger.fault.ENTRY_UNKNOWN": (
        "Entry {index} of the signed tree of size {size} is of no kind that a ledger has."
    ),
    "ledger.fault.END_WITHOUT_HEADER": (
        "The signed tree of size {size} ends without a block header (entry {index})."
    ),
    "ledger.fault.HEADER_MISPLACED": (
        "Entry {index} of the signed tree of size {size} is a block header that belongs to another place."
    ),
    "ledger.fault.HEADER_WITHIN_BLOCK": (
        "The block whose header is entry {index} of the signed tree of size {size} has another header in it."
    ),
    "ledger.fault.HEADER_UNLINKED": (
        "The block header that is entry {index} of the signed tree of size {size} does not follow the "
        "header before it."
    ),
    "ledger.fault.HEADER_ROOT": (
        "The block header that is entry {index} of the signed tree of size {size} states a root that "
        "the tree does not have there."
    ),
    "ledger.fault.NOT_COVERED": (
        "Block {height} (entry {index}) has the time {time}; {seconds} seconds later "
        "{witnesses:witness/witnesses} still cosigned size {first_size}, without it."
    ),
    "ledger.seen.BEHIND": "{time}, {source}: the log shows less than it has signed: {detail}",
    "ledger.seen.UNCOVERED": "{time}, {source}: the log does not show a tree that it has signed: {detail}",
    "ledger.seen.LATE": "{time}, {source}: a block came late: {detail}",
    "ledger.seen.SILENT": "{time}, {source}: no answer for too long: {detail}",
    "ledger.seen.MISSING": "{time}, {source}: the log lacks what it should serve: {detail}",
    "ledger.seen.MISMATCH": "{time}, {source}: the log serves other entries than it has signed: {detail}",
    "ledger.seen.NOTE_WRONG": "{time}, {source}: a note beside an entry is wrong: {detail}",
    "ledger.seen.UNPROVEN_SPLIT": (
        "{time}, {source}: two signed trees do not go together, and it cannot be proven: {detail}"
    ),
    "error.listen_address": "{address} is no address to listen on; write HOST:PORT.",
    "reason.EVIDENCE_MALFORMED": "The file is not a file of evidence.",
    "reason.EVIDENCE_INVALID": "The file proves nothing: an honest party could have signed all of it.",
    "reason.KEYS_UNRELATED": (
        "Each tree is signed by another key; give the policy that says that both are the log's."
    ),
    "reason.OBSERVATION_MALFORMED": "The note is not an observation of a monitor.",
    "help.ledger.mirror": "Keep a checked copy of a log in a folder, and serve it to others.",
    "help.ledger.mirror_folder": "The mirror's folder: static files that any web server could serve too.",
    "help.ledger.mirror_policy": (
        "Policy file (C2SP tlog-policy): whose signatures count, and where the log is. Else the log's key."
    ),
    "help.ledger.mirror_origin": "Which log of the policy, by its origin; needed where it names several.",
    "help.ledger.mirror_url": "Where the log is served, if not where the policy says; a mirror will do.",
    "help.ledger.mirror_root": "Root certificate (PEM) to believe instead of the system's.",
    "help.ledger.mirror_follow": "Go on following until Ctrl-C.",
    "help.ledger.mirror_interval": "Seconds between two looks at the log.",
    "help.ledger.mirror_serve": "Serve the folder there; without --follow the log itself is not asked.",
    "help.ledger.mirror_certificate": "Certificate chain to serve with, PEM; without it HTTP is plain.",
    "help.ledger.mirror_private_key": "The certificate's private key, PEM.",
    "ledger.mirroring": "Reading and checking",
    "ledger.mirrored": (
        "{origin}: all {size:entry/entries} checked and kept, root {root}, {count:cosignature/cosignatures}"
    ),
    "ledger.mirror_follows": "Mirroring into {folder}; Ctrl-C ends it.",
    "ledger.mirror_serves": "Serving {folder} on {address}; Ctrl-C ends it.",
    "ledger.mirror_stopped": "The mirror has ended.",
    "error.mirror_url_missing": "Say where the log is served: --url URL, or in the policy's line of the log.",
    "error.mirror_policy_or_key": "Either --policy or --key says whom to believe, not both.",
    "error.mirror_key_unknown": "Nobody said whose log it is: --policy FILE, --key KEY, or zk ledger trust.",
    "error.mirror_origin_missing": "The policy does not say which log is meant; --origin one of: {origins}",
    "error.mirror_source": "The log at {url} could not be mirrored further: {detail}",
    "error.mirror_contradiction": "{meaning}. Nothing was taken over; both checkpoints are kept in {path}",
    "error.mirror_empty": "There is no mirror in {path} yet.",
    "reason.LOG_FORKED": "The log has signed two checkpoints that do not go together",
    "reason.LOG_ROLLED_BACK": "The log shows fewer entries than it had signed before",
    "reason.UNREACHABLE": "It was not reached",
    "reason.TOO_LARGE": "It sent more than there can be",
    "reason.STATUS_UNEXPECTED": "It answered with an unexpected status",
    "reason.URL_INVALID": "The URL cannot be asked",
    "reason.ROOT_INVALID": "The root certificate is no PEM certificate",
    "reason.STORE_FAILED": "A file could not be written",
    "help.ledger.check-receipt": "Verify a receipt, or what holds one, against a policy's quorum, offline.",
    "help.ledger.receipt_file": "The receipt, a verifier's record, or its file of what was sent unasked.",
    "help.ledger.receipt_policy": (
        "Policy file (C2SP tlog-policy) that names the log and its witnesses; else the pinned one."
    ),
    "help.ledger.trust_policy": "Policy file (C2SP tlog-policy): whose cosignatures make a receipt anchored.",
    "help.vault.anchor": "Bring pending receipts to anchored: witnesses of other operators vouch for them.",
    "help.vault.receipt": "Write the receipt of a use, an event or something received to a file.",
    "help.vault.receipt_of": "The use, event or delivery: the beginning of its identifier.",
    "help.vault.receipt_file": "File to write. Whoever has it knows what the receipt is for.",
    "help.verifier.anchor": "Bring what a verifier keeps to the anchored receipt.",
    "help.verifier.anchor_file": "Record, or file of what was sent unasked; without it all in the home.",
    "help.verifier.errands_anchored": "Leave a part submitted until the pinned policy's witnesses cosigned.",
    "help.deliveries.anchored": "Take nothing before the pinned policy's witnesses have cosigned it.",
    "help.verifier.anchored": "Demand that the record is anchored by the pinned policy; else exit code 10.",
    "help.verifier.ask_anchored": "Accept the answer once the pinned policy's witnesses have cosigned it.",
    "ledger.policy_pinned": "Pinned with it: {count:witness/witnesses}; the quorum is {quorum}.",
    "ledger.anchored": "Anchored: the quorum has cosigned.",
    "ledger.pending": "Pending: the log has signed, and too few witnesses have cosigned by now.",
    "ledger.cosigned_by": "{witness}, {time}",
    "ledger.anchored_at": "Anchored: {size:entry/entries}, root {root}. The quorum has cosigned:",
    "ledger.nothing_anchored": "Nothing is anchored by the pinned policy yet.",
    "ledger.receipt_stands": "It holds: entry {index} of {origin}, which had {size:entry/entries} then.",
    "vault.anchored": "{count:receipt/receipts} anchored.",
    "vault.still_pending": "{count:receipt/receipts} still pending; run this again later.",
    "verifier.anchored_count": "{count:file/files} brought to anchored.",
    "verifier.still_pending": "{count:file/files} still pending; run this again later.",
    "verifier.anchor_failed": "{path} does not hold, or cannot be anchored: {reason}",
    "verifier.errands_not_anchored": "{part}: it cannot be anchored ({reason}), and stays submitted",
    "verifier.delivery_fails": "Its receipt does not hold: {reason}",
    "vault.delivery_receipt": "Receipt",
    "vault.delivery_holds": "Its receipt: {receipt}",
    "vault.receipt_anchored": "entry {index}, anchored",
    "vault.receipt_pending": "entry {index}, pending",
    "vault.receipt_written": "Written to {path}; anybody can check it: zk ledger check-receipt",
    "error.policy_missing": "Say whose cosignatures count: zk ledger trust --policy FILE. Nothing was done.",
    "error.policy_of_another_log": (
        "The policy in {path} does not name this log. Nothing was done. The log's key: {key}"
    ),
    "error.policy_without_quorum": (
        "The policy in {path} demands no witness, so nothing would be more than the log's word."
    ),
    "error.receipt_of_unknown_log": "It is of the log {origin}, which the policy does not name.",
    "error.record_pending": (
        "The answer holds, but too few witnesses have cosigned it: it is not accepted yet. Its record "
        "is kept; later: zk verifier anchor {path}"
    ),
    "reason.RECEIPT_PENDING": "Too few witnesses have cosigned the receipt by now",
    "doctor.name.witnesses": "Witnesses",
    "doctor.anchored": "Anchored to the end: {anchored_size:entry/entries}.",
    "doctor.pending": "Anchored: {anchored_size:entry/entries}; pending: {pending}, for {pending_seconds} s.",
    "doctor.anchored_invalid": "What the service calls anchored does not hold here ({reason}).",
    "doctor.quorum_missing": "The quorum was missing when they were asked last.",
    "doctor.quorum_late": "The quorum has been missing for too long.",
    "doctor.witnesses_unasked": "The service asks no witnesses.",
    "doctor.witnesses_elsewhere": "Another server on the same database asks them and knows which fail.",
    "doctor.witness_unreachable": "{witness} cannot be reached.",
    "doctor.witness_slow": "{witness} does not answer in time.",
    "doctor.witness_refused": "{witness} does not want to cosign.",
    "doctor.witness_malformed": "{witness} answers in no form that is known.",
    "doctor.witness_signature": "{witness} gives what is no cosignature by its key.",
    "doctor.witness_ahead": "{witness} claims that the log is larger or another one.",
    "doctor.witness_fails": "{witness} fails.",
}
