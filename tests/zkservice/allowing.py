"""Policies that the tests' verifiers register: what the tests' schemas have may be asked, and no more."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from disclosure import AttributeType, LocalizedText, PolicyName, Schema, VerifierName
from disclosure.centre import Purpose
from disclosure.composite import PublishedCodeList, Regulator
from disclosure.names import PurposeName, RegulatorName
from disclosure.policy import (
    AllowedAttribute,
    AllowedEscrow,
    AllowedItem,
    AllowedScope,
    RegisteredPolicy,
    StandingLimits,
)
from verifier import CompositePolicy, Policy, registered_policy
from verifier.registering import RegisteringReader
from verifier.registration import Registration
from wire.centre import purpose_to
from wire.policy import policy_to
from zkproto.v1 import centre_pb2, policy_pb2

BASIS = LocalizedText("测试办法第一条", "Rules of testing, article 1")
STANDING = StandingLimits(1000, 0, 366)


def any_policy(verifier: VerifierName, version: int = 1) -> PolicyName:
    """The policy that each of the tests' verifiers has; version 2 is that of the composite city."""
    return PolicyName(verifier.verifier, "any", version)


def purpose_name(text: LocalizedText) -> str:
    """The purpose that has this text: a purpose has one, and the tests' policies have several."""
    return f"purposes/testing-{hashlib.sha256(text.zh.encode() + text.en.encode()).hexdigest()[:8]}"


def items_of(schemas: Iterable[Schema]) -> tuple[AllowedItem, ...]:
    """Return the items of these schemas with all their attributes; those that are secrets are never shown."""
    found: dict[str, AllowedItem] = {}
    for schema in schemas:
        name = f"departments/{schema.name.department}/schemas/{schema.name.item}"
        shown = {each.id for each in schema.attributes if each.type is not AttributeType.SECRET}
        proven = {each.id for each in schema.attributes}
        if name in found:
            shown |= set(found[name].shown)
            proven |= set(found[name].proven)
        found[name] = AllowedItem.parse(name, sorted(shown), sorted(proven))
    return tuple(found[each] for each in sorted(found))


def scopes_of(labels: Iterable[str], *joint: tuple[str, Iterable[str]]) -> tuple[AllowedScope, ...]:
    """Return scopes: the verifier's own by their labels, and joint ones with their members."""
    shared = [AllowedScope(label, tuple(map(VerifierName, sorted(members)))) for label, members in joint]
    made = [*(AllowedScope(each) for each in labels), *shared]
    return tuple(sorted(made, key=lambda each: (each.label, tuple(map(str, each.members)))))


def allowed(
    name: PolicyName,
    schemas: Iterable[Schema],
    purpose: LocalizedText,
    *,
    scopes: tuple[AllowedScope, ...] = (),
    regulators: Iterable[bytes] = (),
    lists: Iterable[bytes] = (),
) -> RegisteredPolicy:
    """Return a policy that allows all that these schemas have, and in each scope pseudonyms of secrets."""
    made = [(AllowedAttribute.of(it.name, each.id), each.type) for it in schemas for each in it.attributes]
    subjects = {each for each, kind in made if kind is AttributeType.SECRET}
    others = {each for each, kind in made if kind is AttributeType.HASH or each.attribute == "number"}
    wider = {*scopes, *(replace(scope, of=each) for scope in scopes for each in subjects)}
    escrows = {AllowedEscrow(regulator, each) for regulator in regulators for each in others}
    return RegisteredPolicy(
        name, purpose_name(purpose), purpose, BASIS, 30, items_of(schemas),
        tuple(sorted(wider, key=lambda each: each.order)), tuple(sorted(escrows)),
        tuple(sorted(set(lists))), foreign=True, standing=STANDING,
    )  # fmt: skip


@dataclass(frozen=True)
class Named:
    """What a policy's file names: one regulator and one list, whatever they are called."""

    regulator: Regulator | None = None
    listed: PublishedCodeList | None = None

    def regulator_named(self, name: RegulatorName) -> Regulator:
        assert self.regulator is not None
        return replace(self.regulator, name=name)

    def newest_list(self, owner: str, code_system: str) -> PublishedCodeList | None:
        return self.listed

    def first_list(self, owner: str, code_system: str, contents: bytes) -> PublishedCodeList | None:
        return self.listed


def asking(
    policy: Policy | CompositePolicy, verifier: VerifierName, named: RegisteringReader | None = None
) -> RegisteredPolicy:
    """Return what a policy's file asks, no more and no less, as a policy that can be registered."""
    said = replace(policy.registered, registration=Registration(purpose_name(policy.purpose), BASIS, 30))
    return registered_policy(replace(policy, registered=said), verifier, named or Named())


def registering(policy: RegisteredPolicy) -> centre_pb2.CreatePurposeRequest:
    """Return the message that registers the purpose of a policy, as the policy says it."""
    purpose = Purpose(PurposeName.parse(policy.purpose), policy.purpose_text, policy.legal_basis)
    return centre_pb2.CreatePurposeRequest(purpose_id=purpose.name.purpose, purpose=purpose_to(purpose))


def creating(policy: RegisteredPolicy) -> policy_pb2.CreatePolicyRequest:
    """Return the message that registers a policy."""
    name = policy.name
    message = policy_to(policy)
    message.ClearField("name")
    return policy_pb2.CreatePolicyRequest(
        parent=f"verifiers/{name.verifier}", policy_id=f"{name.policy}@{name.version}", policy=message
    )
