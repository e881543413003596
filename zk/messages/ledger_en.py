"""What operators read of witnesses and of what cities do for one another's ledgers, in English."""

from typing import Final

MESSAGES: Final = {
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
    "reason.RECEIPT_PENDING": "Too few witnesses have cosigned the receipt by now",
}
