"""What the demo's stories say, in English."""

from typing import Final

MESSAGES: Final = {
    "error.story_unknown": "There is no story {story}; there are {known}.",
    "error.nobody_fits": "Nobody in the city can play the part {part}.",
    "stories.ill": "NOT AS IT MUST",
    "stories.seconds": "{title} ({seconds} s)",
    "stories.saved.title": "What was saved against the paper way, counted",
    "stories.saved.0": "What",
    "stories.saved.1": "How many",
    "stories.saved.uses": "Answers that were accepted",
    "stories.saved.visits": "Visits to departments: one for each department of an answer",
    "stories.saved.documents": "Documents to fetch: one for each credential in an answer",
    "stories.saved.copies": "Copies left behind with a verifier",
    "stories.saved.minutes": "Minutes, assuming {visit} a visit and {copy} a copy",
    "stories.no_leak": (
        "The numbers of all {people:person/people} were looked for in every file of service, verifiers and "
        "ledger: none was found, but for the {shown:number/numbers} shown to the school, in its own records."
    ),
    "stories.leak": "A NUMBER WAS FOUND IN CLEAR: {where}",
    "stories.well": "Every story went as it must, in {seconds} s.",
    "stories.not_well": "NOT EVERY STORY WENT AS IT MUST ({seconds} s).",
    "story.city.title": "The city: departments return their records to everybody, in bulk.",
    "story.city.departments": "{count:department/departments} registered with keys, digits and accumulators.",
    "story.city.accounts": "{count:person/people} registered an account, by a code of who knows them.",
    "story.city.offered": (
        "{count:credential/credentials} of {items:item/items} offered to {people:person/people}, one for "
        "each record, in {seconds} s."
    ),
    "story.city.waiting": "{count:offer/offers} wait in the inboxes of {people:person/people}.",
    "story.school.title": "A school morning: families enrol by what departments say of them.",
    "story.school.owner": (
        "A family with its own home is admitted: {documents:credential/credentials} used, "
        "{shown:value/values} shown (district, the child's name and number)."
    ),
    "story.school.buyer": (
        "A family that has bought a home is admitted: {documents:credential/credentials} used, "
        "{shown:value/values} shown."
    ),
    "story.school.permit_employed": (
        "A family that rents, by permit and work, is admitted: {documents:credential/credentials} used, "
        "{shown:value/values} shown."
    ),
    "story.school.no_more": "Nobody else's name, and no date, income or address, reached the school.",
    "story.school.too_young": "A child that is too young",
    "story.school.elsewhere": "A family from outside the catchment",
    "story.school.not_vaccinated": "A child whose vaccination is not complete",
    "story.school.again": "The same child, enrolled once more by the other parent",
    "story.loan.title": "A loan: the bank decides in seconds and sees no figure.",
    "story.loan.decided": (
        "The bank had its decision in {seconds} s by {documents:credential/credentials}, of which it saw no "
        "value."
    ),
    "story.loan.filed": (
        "What it files is one file of {octets} octets; checked with the log's key alone, without the service."
    ),
    "story.errands.title": "Errands: submitted once, each counter gets its own part.",
    "story.errands.appointed": "A company appoints its bookkeeper for one item and one errand, for 90 days.",
    "story.errands.licence": "The company's licence goes to her, since she shows the appointment.",
    "story.errands.company": (
        "{counters} counters insure the staff by one submission; none sees the capital or who she is."
    ),
    "story.errands.ended": "The same agent, once the company has ended the appointment",
    "story.errands.newborn": (
        "A newborn is registered at {counters} counters by one submission; the last one sees no more than "
        "the district."
    ),
    "story.lost-phone.title": "A lost phone: 24 words bring the history back.",
    "story.lost.history": (
        "The new phone has read {entries:entry/entries} of the ledger and found its {count}: as many as the "
        "lost one knew."
    ),
    "story.lost.account": "The account is the same, registered anew by a code of the department.",
    "story.lost.replaced": "The department issues the identity card anew, in the place of the lost one.",
    "story.lost.old_account": "The old phone opens the account",
    "story.lost.old_phone": "The old phone shows its identity card",
    "story.lost.goes_on": "The new phone proves its owner's age.",
    "story.over-asking.title": "An over-asking shop: registered to ask for age, it wants the name too.",
    "story.over.age": "The shop learns that a buyer is of age, and sees no value.",
    "story.over.service": "The shop asks for name and sex as well",
    "story.over.vault": "The same, let through by whoever runs the service",
    "story.over.history": "The buyer's history has it: {shop} asked for more than it may, on the ledger.",
    "story.over.figures": (
        "The regulator's figures have it, without any person: over-asked {count}, answered {answered}."
    ),
    "story.attacks.title": "What must fail, and who learns what.",
    "story.consortium.title": "Nine cities hold each other's ledgers to what they have shown.",
    "story.consortium.step.start": (
        "Nine cities and a regulator start: nine logs, ten witnesses, each a process."
    ),
    "story.consortium.step.receipts": (
        "In each city a parent answers a school; receipts come pending and are anchored."
    ),
    "story.consortium.step.dead": "Two cities die without warning.",
    "story.consortium.step.cheat": "One city shows some people another ledger.",
    "story.consortium.step.offline": "Everything has ended; a receipt is verified from two files.",
    "story.consortium.started": (
        "{cities} logs, each with the other cities and the regulator as witnesses, ready after {seconds} s."
    ),
    "story.consortium.receipts": (
        "{count} receipts came at once, pending: the log alone had signed for them."
    ),
    "story.consortium.anchored": (
        "{count} of them were anchored within {seconds} s, each by {least} witnesses or "
        "more; five of eight cities are demanded."
    ),
    "story.consortium.two_dead": (
        "With {dead} dead a new receipt was anchored in {seconds} s by {count} "
        "witnesses, none of them theirs."
    ),
    "story.consortium.caught": "The monitor caught city {city}: {fault}, proven to anybody by {path}.",
    "story.consortium.offline": (
        "Offline: receipt {index} of city {city} stands under the quorum of {names}."
    ),
    "story.consortium.step.order": (
        "Each city starts its node of the consortium; one order for all of them begins."
    ),
    "story.consortium.logs_ordered": "The checkpoints of {count} logs are in one order, after {seconds} s.",
    "story.consortium.once": (
        "A child is enrolled in city {city}: first in the order, in block {height}, and proven to be."
    ),
    "story.consortium.second": "The same child, enrolled once more in a second city",
    "story.consortium.order_goes_on": (
        "With the nodes of {dead} dead a new receipt was ordered in {seconds} s, in block {height}."
    ),
    "story.consortium.order_offline": (
        "Offline: a receipt is verified up to the consortium's header, block {height} of {chain}."
    ),
    "error.not_anchored": "A receipt of city {city} was not anchored in time.",
    "error.no_alarm": "The monitor did not see what a city did.",
}
