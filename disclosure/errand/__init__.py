"""One-chain errands: what the holder of an errand, its counters and the service must agree on.

A bundle says which counters an errand has, what each may ask by, and what it wants to be told in words. A
counter's ask ties its signed request to one part of one errand. A form is what the holder declares to one
counter: sealed to it, and tied to the presentation that goes to it.
"""

from disclosure.errand.asking import PartAsk, PartName, abandonment_digest, submission_digest
from disclosure.errand.bundle import (
    Counter,
    ErrandBundle,
    ErrandBundleName,
    FieldType,
    FormField,
    FormValue,
)
from disclosure.errand.form import SEALED_BLOCK, Form, FormKey, seal_form
from disclosure.errand.link import BundleLink

__all__ = [
    "SEALED_BLOCK",
    "BundleLink",
    "Counter",
    "ErrandBundle",
    "ErrandBundleName",
    "FieldType",
    "Form",
    "FormField",
    "FormKey",
    "FormValue",
    "PartAsk",
    "PartName",
    "abandonment_digest",
    "seal_form",
    "submission_digest",
]
