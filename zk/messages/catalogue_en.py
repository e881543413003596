"""What is said of the resource centre and of issuer keys, in English."""

from typing import Final

MESSAGES: Final = {
    "help.catalogue": "The resource centre: which data there is; loading it",
    "help.catalogue.load": "Load the catalogue into the service; again after a break, it goes on",
    "help.catalogue.list": "List the data items",
    "help.catalogue.search": "Find items by words of their names, attributes or departments",
    "help.catalogue.show": "Show one item with its attributes",
    "help.catalogue.export": "Write everything that is registered, one line of JSON a record",
    "help.catalogue.deprecate": "Have an item offered no more, in all its versions, for good",
    "help.catalogue.successor": "The item that takes its place",
    "help.catalogue.etag": "The etag that was read before; by default it is read now",
    "help.catalogue.department": "Only this department's, for example hrss",
    "help.catalogue.file": "A department's own YAML file instead of the project's",
    "help.catalogue.word": "Words in Chinese or English; every one must be found",
    "help.catalogue.item": "The item, for example social_insurance",
    "help.catalogue.out": "Write to this file instead of standard output",
    "help.issuer.key_action": (
        "new: make one; rotate: and the earlier ones sign no more; verify-only: one signs no more; "
        "retire: end one"
    ),
    "help.issuer.key_name": "With verify-only and retire: the key, departments/ID/issuerKeys/KEY",
    "catalogue.loading": "Loading the catalogue",
    "catalogue.loaded": (
        "Registered: {department:department/departments}, {purpose:purpose/purposes}, "
        "{code_list:code list/code lists}, {item:item/items}, {schema:schema/schemas}. "
        "Changed: {changed:item/items}. There already: {unchanged}."
    ),
    "catalogue.exported": "{count:record/records} written to {path}",
    "catalogue.nothing": "Nothing was found.",
    "catalogue.deprecated": "(deprecated)",
    "catalogue.ended": "  Nothing new of {name} is offered; what was issued verifies until it expires",
    "catalogue.about.person": "  {name}, about a person",
    "catalogue.about.company": "  {name}, about a company",
    "catalogue.sensitivity.public": "  Public",
    "catalogue.sensitivity.internal": "  For offices",
    "catalogue.sensitivity.personal": "  Personal",
    "catalogue.sensitivity.sensitive": "  Sensitive",
    "catalogue.validity": "  Valid for {days:day/days}",
    "catalogue.refresh.on_change": "  Issued anew when the register changes",
    "catalogue.refresh.periodic": "  Issued anew every {days:day/days}",
    "catalogue.refresh.once": "  Issued once",
    "catalogue.applicable": "  Holders can apply for it",
    "catalogue.offered": "  The department offers it by itself",
    "catalogue.source": "  Modelled on: {source}",
    "catalogue.purposes": "  Mostly asked for: {purposes}",
    "catalogue.successor": "  Succeeded by {successor}",
    "issuer.key_verify_only": "{key} signs no more; what it has signed goes on to verify.",
    "issuer.key_retired": "{key} is retired: what it has signed is refused from now on.",
    "error.department_unknown": "The catalogue has no department {department}. There are: {known}",
    "error.catalogue_differs": (
        "Registered otherwise than the catalogue has them, and not changed by loading: {names}. "
        "Everything else was loaded."
    ),
    "error.key_unclear": "verify-only and retire take the name of a key, and nothing else does",
    "reason.ITEM_INVALID": "The item, purpose or code list is not as it has to be",
    "reason.ITEM_DEPRECATED": "The item is deprecated: nothing new of it is offered",
    "reason.ETAG_MISMATCH": "Somebody else has changed it meanwhile; read it again",
    "reason.KEY_STATE_INVALID": "A key goes from active to verify-only to retired, and never back",
}
