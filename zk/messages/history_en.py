"""What holders read of their history, its recovery, and standing consents, in English."""

from typing import Final

MESSAGES: Final = {
    "help.vault.recovery": "Show the words that give the vault's keys again on a new phone.",
    "help.vault.recover": "Make the vault anew from its words, and read its history from the ledger.",
    "help.vault.words_file": "File whose first line has the words; else they are asked for.",
    "help.vault.decline": "Say no to a request: its verifier is told, and your history keeps it.",
    "help.vault.attend": "Answer what standing consents allow, refuse what is beyond.",
    "help.vault.once": "Look once, and not until Ctrl-C.",
    "help.vault.consents": "Standing consents: who may ask you the same again.",
    "help.vault.consents.answer": "See what a verifier wants to ask again and again; grant it or not.",
    "help.vault.consents.list": "List the standing consents.",
    "help.vault.consents.withdraw": "Withdraw a standing consent, at once.",
    "help.vault.consent": "The consent's number, or its beginning.",
    "help.vault.consent_link": "The consent's link, as text; - reads it from standard input.",
    "help.verifier.consents": "Standing consents: ask the same again without asking for consent each time.",
    "help.verifier.consents.ask": "Ask for a standing consent by a policy.",
    "help.verifier.consents.status": "Whether a consent was granted, and how often it was used.",
    "help.verifier.consents.use": "Ask under a consent, verify the answer, keep it.",
    "help.verifier.consent": "The consent's identifier, as it was printed when it was asked for.",
    "help.verifier.consent_times": "How often it may be used, 1 to 1000.",
    "help.verifier.consent_every": "How many days lie between two requests at least.",
    "help.verifier.until": "The last day of use: YYYY-MM-DD.",
    "error.consent_not_here": "This home keeps no standing consent {consent}.",
    "verifier.consent_asked": "Asked for the standing consent {id}; it can be granted until {expires}.",
    "verifier.consent_used": "Used {used} of {times} times.",
    "verifier.consent.pending": "Not answered yet.",
    "verifier.consent.granted": "Granted.",
    "verifier.consent.declined": "Declined.",
    "verifier.consent.withdrawn": "Withdrawn by the holder.",
    "verifier.consent.expired": "Ended.",
    "vault.declined": "Declined. The verifier learns that, and nothing about you.",
    "vault.ask_standing_consent": (
        "Allow this to be asked again without asking you? Type yes, y or 是 to allow it; anything else "
        "declines:"
    ),
    "vault.consent_terms": (
        "This may be asked {times:time/times}, at least {days:day/days} apart, until {until}, and is then "
        "answered without asking you. You can withdraw it at any moment."
    ),
    "vault.consent_granted": "Granted. To end it: zk vault consents withdraw",
    "vault.consent_withdrawn": "Withdrawn. This vault answers nothing of it any more.",
    "vault.consent_waits": "The service could not be told yet: zk vault resume",
    "vault.consents_none": "There are no standing consents.",
    "vault.consent_limits": "Allowed",
    "vault.consent_limit": "{times} times, {days:day/days} apart, until {until}",
    "vault.consent_used": "Answered",
    "vault.consent_state": "State",
    "vault.grant.granted": "granted",
    "vault.grant.withdrawn": "withdrawn",
    "vault.grant.recovered": "of a lost phone or an older copy: not answered here",
    "vault.attended": "{answered} answered, {refused} not answered.",
    "vault.attended_one": "{time}: answered {verifier} under a standing consent",
    "vault.attended_not": "Not answered: {reason}",
    "vault.words": "Write these 24 words down. With them a new phone finds your whole history again:",
    "vault.words_keep": (
        "Keep them like the vault: whoever has them and a copy of the vault's file needs no passphrase."
    ),
    "vault.ask_words": "The 24 words",
    "vault.reading": "Reading the ledger",
    "vault.recovered": (
        "Read {entries} entries, all as the log has signed them: {uses} uses and {events} other events are "
        "yours, and {copies} copies of their notes."
    ),
    "vault.recovered_limits": (
        "Credentials are not on the ledger: their departments issue them anew. What the old phone had not "
        "sent yet is not there either. Now: zk vault history; and with a new code of the department that "
        "identifies you zk vault register, then zk vault inbox --claim for what it issues anew"
    ),
    "vault.found": "entry {index}, found on the ledger",
    "vault.found_copy": "entry {index}: a COPY of the note beside entry {first}, not a use of yours",
    "vault.event.account-registered": "registered",
    "vault.event.declined": "you declined",
    "vault.event.over-asked": "REFUSED: asked too much",
    "vault.event.consent-granted": "standing consent granted",
    "vault.event.consent-declined": "standing consent declined",
    "vault.event.consent-withdrawn": "standing consent withdrawn",
    "vault.event.sent": "you sent data",
    "vault.event.received": "you received data",
    "vault.event.applied": "you applied",
    "vault.event.appointed": "you appointed an agent",
    "vault.event.appointment-ended": "you ended an appointment",
    "vault.event.errand-submitted": "errand submitted",
}
