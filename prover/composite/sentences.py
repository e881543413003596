"""The consent screen of the composite form as lines of text, in Chinese and in English.

What is proven is said in sentences that follow from predicate and schema, so a person reads what the proof
says and nothing else. `prover.consent` says what a line is and keeps text from steering a terminal.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from disclosure import DepartmentName, LocalizedText
from disclosure.composite import (
    Equal,
    EscrowQuery,
    Operand,
    PseudonymQuery,
    SignedJointScope,
    Sum,
    ValidOn,
)
from disclosure.composite.predicates import operands_of
from prover.composite.asking import earlier_lines
from prover.composite.clauses import clause, equal_sentence, exactly, sum_sentence
from prover.composite.joint import joint_lines
from prover.composite.settling import settled_values
from prover.composite.telling import (
    ClaimConsent,
    CompositeConsent,
    ToldAttribute,
    ToldCredential,
    Treatment,
)
from prover.consent import (
    ConsentLine,
    Language,
    Style,
    asking_lines,
    local,
    safe,
    show_date,
    show_moment,
    show_value,
)

Departments = Mapping[str, LocalizedText]
"""Display names by resource name."""

_TEXTS: Final[Mapping[str, Mapping[Language, str]]] = {
    "heading": {
        "zh": "{verifier} 请您出示并证明信息",
        "en": "{verifier} asks you to show and to prove something",
    },
    "credential": {"zh": "使用《{schema}》", "en": "From your {schema}"},
    "sees": {"zh": "{verifier} 将看到：", "en": "{verifier} will see:"},
    "proves": {
        "zh": "将向 {verifier} 证明，但不出示：",
        "en": "It is proven to {verifier}, without being shown:",
    },
    "escrows": {"zh": "将加密给监管机构：", "en": "It is encrypted to a regulator:"},
    "hides": {"zh": "继续保密：", "en": "It stays hidden:"},
    "value": {"zh": "{attribute}：{value}", "en": "{attribute}: {value}"},
    "item": {"zh": "{attribute}", "en": "{attribute}"},
    "proven": {"zh": "{attribute}：{clauses}", "en": "{attribute}: {clauses}"},
    "issuer": {
        "zh": "签发部门：{department}（将得知是该部门签发了这种凭证）",
        "en": "Issued by: {department} (it learns that this department signed such a credential)",
    },
    "expiry": {"zh": "有效期至：{date}", "en": "Valid until: {date}"},
    "valid_on": {
        "zh": "证明这份凭证在{date}有效，但不出示有效期至哪一天",
        "en": "proves that it is valid on {date}, without showing until when",
    },
    "unrevoked": {
        "zh": "证明截至{time}这份凭证没有被吊销",
        "en": "proves that it was not revoked as of {time}",
    },
    "behind": {
        "zh": "是否被吊销：您同意后先与签发部门的吊销名单核对（服务只看到有人来取）；若已吊销，什么也不发送",
        "en": (
            "whether it was revoked: once you agree, this is checked with the department's list first (the "
            "service sees that somebody fetches it); nothing is sent if it was revoked"
        ),
    },
    "waived": {
        "zh": "是否被吊销：不作证明",
        "en": "whether it was revoked: nothing is proven of that",
    },
    "schemas": {
        "zh": "会得知您用的是可接受的 {count} 种凭证中的这一种（{name}）",
        "en": "It learns that you use this one of {count} kinds that it accepts ({name})",
    },
    "keys": {
        "zh": "会得知凭证由可接受的 {count} 个签发密钥中的哪一个签发",
        "en": "It learns by which of {count} accepted keys it was signed",
    },
    "registers": {
        "zh": "会得知凭证按 {count} 种吊销核对方式中的哪一种核对，由此知道它登记在哪一份吊销名单",
        "en": "It learns which of {count} accepted lists of revocations yours is kept by",
    },
    "together": {"zh": "合起来证明", "en": "Proven of all of it together"},
    "one_holder": {
        "zh": "证明这些凭证都属于同一个人：您",
        "en": "Proves that all of it belongs to one holder: you",
    },
    "branch": {
        "zh": "会得知您选择了 {count} 种答复方式中的“{branch}”",
        "en": "It learns that you answer by “{branch}”, one of {count} ways",
    },
    "pseudonyms": {"zh": "谁能再次认出谁", "en": "Who will recognise whom"},
    "in_pseudonym": {
        "zh": "不出示；由它得出一个假名，以便日后认出是同一个（见下文）",
        "en": "not shown; a pseudonym is made of it, so that the same one is recognised later (see below)",
    },
    "in_equal": {"zh": "与其他凭证所说的一致（见下文）", "en": "is one and the same with others (see below)"},
    "in_commitment": {
        "zh": "作为数额承诺下来（见下文），不出示数值",
        "en": "is committed to (see below), without showing the number",
    },
    "me": {
        "zh": "{who} 在“{label}”用途下能再次认出您；单凭这个假名，换一个用途或换一家就认不出",
        "en": (
            "{who} will recognise you whenever you come again for “{label}”; by this pseudonym alone for "
            "nothing else"
        ),
    },
    "me_joint": {
        "zh": "{who} 都能认出是同一个您来过（“{label}”：{purpose}），并且可以互相核对",
        "en": "{who} will each recognise you, and can tell each other that you came (“{label}”: {purpose})",
    },
    "subject": {
        "zh": "{who} 在“{label}”用途下能再次认出您的《{schema}》所说的人或物（凭“{attribute}”，不出示）",
        "en": (
            "{who} will recognise the one whom your {schema} is about, if it comes again for “{label}” (by "
            "“{attribute}”, which is not shown)"
        ),
    },
    "subject_joint": {
        "zh": (
            "{who} 都能认出您的《{schema}》所说的人或物（凭“{attribute}”，不出示），"
            "并且可以互相核对（“{label}”：{purpose}）"
        ),
        "en": (
            "{who} will each recognise the one whom your {schema} is about (by “{attribute}”, which is not "
            "shown), and can tell each other (“{label}”: {purpose})"
        ),
    },
    "linked": {
        "zh": "这些假名在同一份答复里，{verifier} 从此知道它们彼此对应（{labels}）",
        "en": "They come in one answer: from now on {verifier} knows that these belong together ({labels})",
    },
    "label": {"zh": "“{label}”", "en": "“{label}”"},
    "chooser": {
        "zh": "选定这个秘密的{department}见到时也能认出",
        "en": "{department}, which chose that secret, can recognise it too wherever it sees it",
    },
    "escrow": {
        "zh": "把《{schema}》中的“{attribute}”加密给{regulator}（{name}）。",
        "en": "Encrypts “{attribute}” from your {schema} to {regulator} ({name}).",
    },
    "escrow_power": {
        "zh": (
            "该机构的两名经办人合在一起能打开（只应在依法办案时打开）；一人打不开，{verifier} 也打不开。"
            "守规矩的经办人先把自己的一份记上账本，您的凭证库能认出来，再交给另一人；从那时起另一人就可能已经知道。"
            "两人都不守规矩，就能私下打开，谁也看不出。"
        ),
        "en": (
            "Its two officers together can open this, and may only in a lawful case; one of them cannot, nor "
            "can {verifier}. An honest officer's part stands on the ledger, where your vault recognises it, "
            "before the other officer has it; from then on that one may know. Two dishonest officers can "
            "open this in silence, and nobody sees it."
        ),
    },
    "claim": {"zh": "领取《{schema}》", "en": "Claim your {schema}"},
    "claim_base": {
        "zh": (
            "不向{department}出示任何内容，但会告诉它一个代表这个凭证库的固定编号；它把编号和您的身份一起保存，"
            "您再次来领取基础凭证时能认出是同一个凭证库。"
        ),
        "en": (
            "No attribute is shown to {department}, but it is told a fixed number that stands for this vault "
            "and keeps it with who you are: it will know this vault again whenever you claim a base "
            "credential there."
        ),
    },
    "and": {"zh": "、", "en": ", "},
    "unknown_regulator": {"zh": "一个监管机构", "en": "a regulator"},
}  # fmt: skip
_ORDER: Final = (
    (Treatment.ESCROWED, "escrows", Style.ESCROWED),
    (Treatment.HIDDEN, "hides", Style.HIDDEN),
)


def _text(key: str, language: Language, **values: object) -> str:
    return _TEXTS[key][language].format(**{name: safe(str(value)) for name, value in values.items()})


def _line(style: Style, key: str, language: Language, **values: object) -> ConsentLine:
    return ConsentLine(style, _text(key, language, **values))


def composite_lines(
    consent: CompositeConsent, language: Language, departments: Departments | None = None
) -> list[ConsentLine]:
    """Return the screen. `departments` gives display names by resource name; without one the name is shown.

    Under each credential every attribute of its schema stands exactly once, in a line of its own: with its
    value among what will be seen, with its regulator among what is encrypted, with what is proven of it, or
    by its name among what stays hidden.
    """
    return list(_Screen(consent, language, departments or {}).lines())


def claim_lines(
    consent: ClaimConsent, language: Language, departments: Departments | None = None
) -> list[ConsentLine]:
    """Return the screen of a claim: which credential it is for, and what its department is shown first."""
    department, schema = local(consent.display_name, language), local(consent.schema.display_name, language)
    lines = [_line(Style.HEADING, "claim", language, schema=schema)]
    if consent.shows is None:
        return [*lines, _line(Style.FACT, "claim_base", language, department=department)]
    return lines + composite_lines(consent.shows, language, departments)


class _Screen:
    def __init__(self, consent: CompositeConsent, language: Language, departments: Departments) -> None:
        self._consent, self._language, self._departments = consent, language, departments
        self._verifier = local(consent.verifier_display_name, language)
        self._settled = settled_values(consent.branch, consent.reading)

    def _line(self, style: Style, key: str, **values: object) -> ConsentLine:
        return _line(style, key, self._language, **values)

    def lines(self) -> Iterator[ConsentLine]:
        consent = self._consent
        yield self._line(Style.HEADING, "heading", verifier=self._verifier)
        yield from asking_lines(consent, *consent.counts, self._language)
        for each in consent.credentials:
            yield from self._credential(each)
        yield from self._together()
        if consent.branch.pseudonyms:
            yield self._line(Style.SECTION, "pseudonyms")
            for pseudonym in consent.branch.pseudonyms:
                yield from self._pseudonym(pseudonym)
            yield from self._linked(consent.branch.pseudonyms)
        yield from joint_lines(consent, self._verifier, self._language)

    def _credential(self, told: ToldCredential) -> Iterator[ConsentLine]:
        yield self._line(Style.SECTION, "credential", schema=local(told.schema.display_name, self._language))
        yield self._line(Style.FACT, "sees", verifier=self._verifier)
        for each in _treated(told, Treatment.SHOWN):
            value = show_value(each.attribute, each.value, self._language)
            yield self._line(Style.REVEALED, "value", attribute=self._name(each), value=value)
        for each in self._given_away(told):
            yield self._attribute(Style.REVEALED, each, told)
        if told.expiry is not None:
            yield self._line(Style.REVEALED, "expiry", date=show_date(told.expiry, self._language))
        yield self._line(Style.REVEALED, "issuer", department=self._department(told.department))
        yield from self._proven(told)
        for treatment, heading, style in _ORDER:
            treated = _treated(told, treatment)
            if treated:
                yield self._line(Style.FACT, heading)
            for each in treated:
                yield self._attribute(style, each, told)
        yield from self._choices(told)

    def _proven(self, told: ToldCredential) -> Iterator[ConsentLine]:
        yield self._line(Style.FACT, "proves", verifier=self._verifier)
        given_away = self._given_away(told)
        for each in _treated(told, Treatment.PROVEN):
            if each not in given_away:
                yield self._attribute(Style.PROVEN, each, told)
        if isinstance(told.query.expiry, ValidOn):
            yield self._line(Style.PROVEN, "valid_on", date=show_date(told.query.expiry.day, self._language))
        if told.behind:  # whether it holds as of the newest epoch is not known before the person has agreed
            yield self._line(Style.FACT, "behind")
        elif told.epoch is None:
            yield self._line(Style.FACT, "waived")
        else:
            yield self._line(Style.PROVEN, "unrevoked", time=show_moment(told.epoch, self._language))

    def _given_away(self, told: ToldCredential) -> list[ToldAttribute]:
        """Return what is proven so that only one value is left: it stands among what is seen."""
        return [
            each
            for each in _treated(told, Treatment.PROVEN)
            if Operand(told.query.id, each.attribute.id) in self._settled
        ]

    def _attribute(self, style: Style, each: ToldAttribute, told: ToldCredential) -> ConsentLine:
        """Tell one attribute once: by its name, and what is done with it where anything is."""
        operand = Operand(told.query.id, each.attribute.id)
        clauses = list(self._clauses(operand, each))
        clauses += [self._regulator(escrow)[0] for escrow in each.escrows]
        if each.pseudonyms:
            clauses.append(_text("in_pseudonym", self._language))
        if each.commitments:
            clauses.append(_text("in_commitment", self._language))
        if not clauses:
            return self._line(style, "item", attribute=self._name(each))
        joined = {"zh": "；", "en": "; "}[self._language].join(clauses)
        return self._line(style, "proven", attribute=self._name(each), clauses=joined)

    def _clauses(self, operand: Operand, each: ToldAttribute) -> Iterator[str]:
        """Give what is proven of an attribute; of a value that is given away, that it is."""
        if operand in self._settled:
            yield exactly(each.attribute, self._settled[operand], self._language)
        if any(isinstance(predicate, Equal) for predicate in each.predicates):
            yield _text("in_equal", self._language)
        for predicate in each.predicates:
            alone = len(operands_of(predicate)) == 1
            if not isinstance(predicate, Equal) and not (alone and operand in self._settled):
                yield clause(predicate, operand, self._consent.reading, self._language)

    def _choices(self, told: ToldCredential) -> Iterator[ConsentLine]:
        query = told.query
        if len(query.schemas) > 1:
            yield self._line(Style.FACT, "schemas", count=len(query.schemas), name=told.schema.name)
        keys = {each.key for each in query.issuers}
        if len(keys) > 1:
            yield self._line(Style.FACT, "keys", count=len(keys))
        registers = {each.accumulator for each in query.issuers}
        if len(registers) > 1:
            yield self._line(Style.FACT, "registers", count=len(registers))

    def _together(self) -> Iterator[ConsentLine]:
        consent = self._consent
        yield self._line(Style.SECTION, "together")
        yield self._line(Style.PROVEN, "one_holder")
        for predicate in consent.branch.predicates:
            given_away = not self._settled.keys().isdisjoint(predicate.operands)
            if isinstance(predicate, Equal):
                said = equal_sentence(predicate, consent.reading, self._language, settled=given_away)
                yield ConsentLine(Style.PROVEN, said)
            elif isinstance(predicate, Sum) and len(predicate.terms) > 1:
                said = sum_sentence(predicate, consent.reading, self._language, settled=given_away)
                yield ConsentLine(Style.PROVEN, said)
        if consent.branches > 1:
            yield self._line(Style.FACT, "branch", count=consent.branches, branch=consent.branch.id)
        yield from earlier_lines(consent.earlier, self._language)
        for escrow in consent.branch.escrows:
            yield from self._escrow(escrow)

    def _escrow(self, escrow: EscrowQuery) -> Iterator[ConsentLine]:
        told = self._consent.credential(escrow.operand.query)
        regulator, name = self._regulator(escrow)
        schema = local(told.schema.display_name, self._language)
        attribute = local(told.schema.attribute(escrow.operand.attribute).display_name, self._language)
        yield self._line(
            Style.ESCROWED, "escrow", schema=schema, attribute=attribute, regulator=regulator, name=name
        )
        yield self._line(Style.ESCROWED, "escrow_power", verifier=self._verifier)

    def _regulator(self, escrow: EscrowQuery) -> tuple[str, str]:
        known = self._consent.facts.regulators.get(escrow.regulator)
        if known is None:
            return _text("unknown_regulator", self._language), escrow.regulator.hex()
        return local(known.display_name, self._language), str(known.name)

    def _pseudonym(self, pseudonym: PseudonymQuery) -> Iterator[ConsentLine]:
        scope, language = pseudonym.scope, self._language
        key, who, label, values = "me", self._verifier, "", dict[str, object]()
        if isinstance(scope, SignedJointScope):
            key, label = "me_joint", scope.scope.label
            who = _text("and", language).join(map(str, scope.scope.members))
            values["purpose"] = local(scope.scope.purpose, language)
        else:
            label = scope.label
        if pseudonym.subject is None:
            yield self._line(Style.PSEUDONYM, key, who=who, label=label, **values)
            return
        told = self._consent.credential(pseudonym.subject.query)
        attribute = told.schema.attribute(pseudonym.subject.attribute)
        values["schema"] = local(told.schema.display_name, language)
        values["attribute"] = local(attribute.display_name, language)
        key = key.replace("me", "subject")
        yield self._line(Style.PSEUDONYM, key, who=who, label=label, **values)
        yield self._line(Style.PSEUDONYM, "chooser", department=self._department(told.department))

    def _linked(self, pseudonyms: Sequence[PseudonymQuery]) -> Iterator[ConsentLine]:
        """Tell what no single pseudonym says: whoever gets several at once can put them together."""
        if len(pseudonyms) > 1:
            scopes = (each.scope for each in pseudonyms)
            labels = [
                each.scope.label if isinstance(each, SignedJointScope) else each.label for each in scopes
            ]
            quoted = [_text("label", self._language, label=each) for each in dict.fromkeys(labels)]
            joined = _text("and", self._language).join(quoted)
            yield self._line(Style.PSEUDONYM, "linked", verifier=self._verifier, labels=joined)

    def _name(self, each: ToldAttribute) -> str:
        return local(each.attribute.display_name, self._language)

    def _department(self, name: DepartmentName) -> str:
        known = self._departments.get(str(name))
        return f"{local(known, self._language)} ({name})" if known else str(name)


def _treated(told: ToldCredential, treatment: Treatment) -> list[ToldAttribute]:
    return [each for each in told.attributes if each.treatment is treatment]
