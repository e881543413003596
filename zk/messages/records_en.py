"""What pushing records says, in English."""

from typing import Final

MESSAGES: Final = {
    "help.issuer.push": "Push the records of a file: exactly one credential for each.",
    "help.issuer.connect": "Push what the department's own database holds.",
    "help.issuer.withdraw": "Withdraw records that are gone: their credentials are revoked.",
    "help.issuer.record": "The department's own name of a record.",
    "help.issuer.records": "File of records, one a line: .jsonl or .csv.",
    "help.issuer.resume": "Go on with the push of this file that broke off.",
    "help.issuer.complete": "The file has all records of the item: all others are withdrawn.",
    "help.issuer.renew": "Renew credentials that end within so many days.",
    "help.issuer.connector": "YAML file of the connector.",
    "help.issuer.every": "Again after this time, such as 30m, 1h, 1d, until Ctrl-C.",
    "help.issuer.once": "Once, which is the default.",
    "help.issuer.full": "All rows, not only those since the last run; what has vanished is withdrawn.",
    "help.issuer.withdraw_many": "Let a run withdraw however many have vanished from the database.",
    "push.label": "Pushing {name}",
    "push.broken": "Broken off; what was done stays done. The same command with --resume goes on.",
    "push.not_complete": "{count:row/rows} could not even be named, so nothing was withdrawn.",
    "push.too_many_gone": (
        "{gone:record/records} of {known} are not in the database; so many are withdrawn only with "
        "--withdraw-many. Nothing was withdrawn."
    ),
    "push.done": (
        "{name}: {done:record/records} done: {issued} new, {unchanged} unchanged, {replaced} changed, "
        "{renewed} renewed, {withdrawn} withdrawn; {rejected} refused, {misfit} do not fit."
    ),
    "push.codes": "The code of a record that waits to be claimed: zk issuer record {item} RECORD",
    "push.misfit": "Row {row} does not fit: {reason} {field}",
    "push.rejected": "Record at place {place} was refused: {reason} {field}",
    "push.not_revocable": "{count:credential/credentials} cannot be revoked and go on until they expire.",
    "push.withdrawn": "Withdrawn: {count:record/records}.",
    "push.state.offered": "Offered, not claimed yet: {offer}",
    "push.state.claimed": "Claimed: {offer}",
    "push.state.expired": "Nobody claimed it in time: {offer}",
    "error.push_not_here": "There is no push of {schema} here that broke off.",
    "error.push_file_changed": (
        "The file is not the one whose push of {schema} broke off. Without --resume a new push begins."
    ),
    "error.connector_invalid": "{path} is no connector's file: {place}: {problem}",
    "error.connector_unusable": "The database that {variable} names cannot be read: {problem}",
    "error.every_invalid": "{every} is no time such as 30m, 1h or 1d.",
    "error.once_or_every": "Say --once or --every, not both.",
}
