"""DCQL: the specification's examples, what is refused, and the mapping to requests of both forms."""

import copy
import datetime as dt
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from disclosure import DisclosureError, ExpiryRule, Query, Request, SchemaName, VerifierName
from disclosure.composite import CompositeRequest
from disclosure.names import PolicyName
from openid.dcql import OWN, DcqlQuery, read_dcql
from openid.errors import OpenIdError, OpenIdReason
from openid.mapping import COMPOSITE_FORMAT, PLAIN_FORMAT, Frame, answer_ids, dcql_of, request_of_dcql
from openid.strict_json import item_from_json, item_to_json, loads
from tests.disclosure.composite.policy import REQUEST as COMPOSITE
from tests.disclosure.composite.world import NOW
from tests.zkservice.support import TEXT

VCT = "https://credentials.example.com/identity_credential"
# OpenID4VP 1.0, appendix D, typed anew: alternatives of claims and of credentials, values, mdoc, authorities.
CLAIM_SETS = {
    "credentials": [
        {
            "id": "pid",
            "format": "dc+sd-jwt",
            "meta": {"vct_values": [VCT]},
            "claims": [
                {"id": name, "path": [path]}
                for name, path in zip(
                    "abcde", ("last_name", "postal_code", "locality", "region", "date_of_birth"), strict=True
                )
            ],
            "claim_sets": [["a", "c", "d", "e"], ["a", "b", "e"]],
        }
    ]
}
CREDENTIAL_SETS = {
    "credentials": [
        {
            "id": name,
            "format": "dc+sd-jwt",
            "meta": {"vct_values": [VCT]},
            "claims": [{"path": ["given_name"]}, {"path": ["address", "street_address"]}],
        }
        for name in ("pid", "other_pid", "pid_reduced_cred_1", "pid_reduced_cred_2", "nice_to_have")
    ],
    "credential_sets": [
        {"options": [["pid"], ["other_pid"], ["pid_reduced_cred_1", "pid_reduced_cred_2"]]},
        {"required": False, "options": [["nice_to_have"]]},
    ],
}
VALUES = {
    "credentials": [
        {
            "id": "my_credential",
            "format": "dc+sd-jwt",
            "meta": {"vct_values": [VCT]},
            "claims": [
                {"path": ["family_name"], "values": ["Doe"]},
                {"path": ["degrees", None, "type"]},
                {"path": ["nationalities", 0]},
                {"path": ["postal_code"], "values": ["90210", "90211"]},
            ],
            "trusted_authorities": [{"type": "aki", "values": ["s9tIpPmhxdiuNkHMEWNpYim8S8Y"]}],
            "multiple": True,
            "require_cryptographic_holder_binding": False,
        }
    ]
}
MDOC = {
    "credentials": [
        {
            "id": "mdl-id",
            "format": "mso_mdoc",
            "meta": {"doctype_value": "org.iso.18013.5.1.mDL"},
            "claims": [
                {"id": "given_name", "path": ["org.iso.18013.5.1", "given_name"], "intent_to_retain": True}
            ],
        }
    ]
}
EXAMPLES = {"claim_sets": CLAIM_SETS, "credential_sets": CREDENTIAL_SETS, "values": VALUES, "mdoc": MDOC}
SCHEMA = SchemaName("police", "residence_permit", 1)
SCHOOL = VerifierName("school")
PLAIN = Request(
    SCHOOL,
    TEXT,
    (
        Query("permit", SCHEMA, ("district", "since")),
        Query("bare", SCHEMA, (), ExpiryRule.WAIVED),
    ),
    NOW,
    NOW + dt.timedelta(hours=1),
    bytes(range(32)),
    PolicyName("school", "enrolment", 1),
)


def frame(request: Request | CompositeRequest) -> Frame:
    return Frame(
        request.verifier, request.purpose, request.created, request.expires, request.nonce, request.policy
    )


def refused(query: Any, reason: OpenIdReason | None = None) -> OpenIdError:
    with pytest.raises(OpenIdError) as caught:
        read_dcql(query)
    assert caught.value.reason == (reason or OpenIdReason.DCQL_INVALID).value
    return caught.value


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_specification_s_examples_are_read_and_written_as_they_are(name: str) -> None:
    assert read_dcql(EXAMPLES[name]).to_json() == EXAMPLES[name]


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_is_of_other_formats_is_never_answered(name: str) -> None:
    with pytest.raises(OpenIdError, match="NOT_UNDERSTOOD"):
        request_of_dcql(read_dcql(EXAMPLES[name]), frame(PLAIN))


BROKEN: dict[str, Callable[[Any], Any]] = {
    "no object": lambda query: [],
    "nothing": lambda query: query.clear(),
    "no credentials": lambda query: query.update(credentials=[]),
    "credentials no list": lambda query: query.update(credentials={}),
    "a credential no object": lambda query: query["credentials"].append("pid"),
    "no id": lambda query: query["credentials"][0].pop("id"),
    "no format": lambda query: query["credentials"][0].pop("format"),
    "no meta": lambda query: query["credentials"][0].pop("meta"),
    "meta no object": lambda query: query["credentials"][0].update(meta=[]),
    "an empty id": lambda query: query["credentials"][0].update(id=""),
    "an id with a dot": lambda query: query["credentials"][0].update(id="a.b"),
    "an id that is a number": lambda query: query["credentials"][0].update(id=1),
    "an id twice": lambda query: query["credentials"].append(query["credentials"][0]),
    "multiple is text": lambda query: query["credentials"][0].update(multiple="true"),
    "binding is a number": lambda query: query["credentials"][0].update(
        require_cryptographic_holder_binding=1
    ),
    "a member is null": lambda query: query["credentials"][0].update(claim_sets=None),
    "claims empty": lambda query: query["credentials"][0].update(claims=[]),
    "claim_sets empty": lambda query: query["credentials"][0].update(claim_sets=[]),
    "a claim set empty": lambda query: query["credentials"][0].update(claim_sets=[[]]),
    "claim_sets of nothing": lambda query: query["credentials"][0].update(claim_sets=[["z"]]),
    "claim_sets without claims": lambda query: query["credentials"][0].pop("claims"),
    "claim_sets with a claim without id": lambda query: query["credentials"][0]["claims"][0].pop("id"),
    "a claim's id twice": lambda query: query["credentials"][0]["claims"][0].update(id="b"),
    "a claim twice": lambda query: query["credentials"][0]["claims"][0].update(path=["postal_code"]),
    "no path": lambda query: query["credentials"][0]["claims"][0].pop("path"),
    "a path empty": lambda query: query["credentials"][0]["claims"][0].update(path=[]),
    "a path with a flag": lambda query: query["credentials"][0]["claims"][0].update(path=[True]),
    "a path with a negative index": lambda query: query["credentials"][0]["claims"][0].update(path=[-1]),
    "values empty": lambda query: query["credentials"][0]["claims"][0].update(values=[]),
    "values no list": lambda query: query["credentials"][0]["claims"][0].update(values="Doe"),
    "a value is an object": lambda query: query["credentials"][0]["claims"][0].update(values=[{}]),
    "authorities empty": lambda query: query["credentials"][0].update(trusted_authorities=[]),
    "an authority without values": lambda query: query["credentials"][0].update(
        trusted_authorities=[{"type": "aki", "values": []}]
    ),
    "credential_sets empty": lambda query: query.update(credential_sets=[]),
    "a set without options": lambda query: query.update(credential_sets=[{"options": []}]),
    "an option empty": lambda query: query.update(credential_sets=[{"options": [[]]}]),
    "an option of nothing": lambda query: query.update(credential_sets=[{"options": [["x"]]}]),
    "an option names one twice": lambda query: query.update(credential_sets=[{"options": [["pid", "pid"]]}]),
    "required is text": lambda query: query.update(
        credential_sets=[{"options": [["pid"]], "required": "no"}]
    ),
    "too many": lambda query: query.update(credentials=query["credentials"] * 200),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_the_specification_does_not_allow_is_refused(name: str) -> None:
    query = copy.deepcopy(CLAIM_SETS)
    replaced = BROKEN[name](query)
    refused(replaced if name == "no object" else query)


@pytest.mark.parametrize(
    "place",
    [
        lambda query: query,
        lambda query: query["credentials"][0],
        lambda query: query["credentials"][0]["claims"][0],
        lambda query: query["credential_sets"][0],
    ],
    ids=["query", "credential", "claim", "set"],
)
@pytest.mark.parametrize("member", ["predicate", "https://other.example/at-most", "crit"])
def test_a_member_that_nobody_knows_is_refused_and_never_passed_over(place: Any, member: str) -> None:
    query = copy.deepcopy(CREDENTIAL_SETS)
    place(query)[member] = {"older_than": 18}
    assert "other.example" not in str(refused(query, OpenIdReason.NOT_UNDERSTOOD))


def test_a_plain_request_goes_to_dcql_and_back_as_it_is() -> None:
    query = dcql_of(PLAIN)
    written = json.loads(json.dumps(query.to_json()))
    assert read_dcql(written) == query
    assert request_of_dcql(read_dcql(written), frame(PLAIN)) == PLAIN
    permit, bare = written["credentials"]
    assert permit["format"] == bare["format"] == PLAIN_FORMAT
    assert permit["claims"] == [{"path": ["district"]}, {"path": ["since"]}]
    assert "claims" not in bare
    assert answer_ids(PLAIN, None) == ("permit", "bare")


def test_a_composite_request_goes_to_dcql_and_back() -> None:
    """All that it proves and derives comes back; predicates come in an order of their own."""
    asked = COMPOSITE
    written = json.loads(json.dumps(dcql_of(asked).to_json()))
    read = request_of_dcql(read_dcql(written), frame(asked))
    assert isinstance(read, CompositeRequest)
    for before, after in zip(asked.branches, read.branches, strict=True):
        assert set(after.predicates) == set(before.predicates)
        assert replace(after, predicates=()) == replace(before, predicates=())
    assert request_of_dcql(dcql_of(read), frame(asked)) == read
    assert {each["format"] for each in written["credentials"]} == {COMPOSITE_FORMAT}
    (one,) = written["credential_sets"]
    assert [len(each) for each in one["options"]] == [len(each.queries) for each in asked.branches]
    assert answer_ids(asked, asked.branches[1].id) == tuple(one["options"][1])


NARROWED: dict[str, Callable[[Any], Any]] = {
    "a value": lambda credential: credential["claims"][0].update(values=["370102"]),
    "a deeper path": lambda credential: credential["claims"][0].update(path=["district", "code"]),
    "an index": lambda credential: credential["claims"][0].update(path=[0]),
    "claim_sets": lambda credential: (
        [each.update(id=f"c{index}") for index, each in enumerate(credential["claims"])],
        credential.update(claim_sets=[["c0"]]),
    ),
    "retention": lambda credential: credential["claims"][0].update(intent_to_retain=False),
    "multiple": lambda credential: credential.update(multiple=True),
    "no binding": lambda credential: credential.update(require_cryptographic_holder_binding=False),
    "authorities": lambda credential: credential.update(
        trusted_authorities=[{"type": "aki", "values": ["x"]}]
    ),
    "two schemas": lambda credential: credential["meta"]["schema_values"].append(str(SCHEMA)),
    "other meta": lambda credential: credential["meta"].update(vct_values=[VCT]),
    "a predicate": lambda credential: credential[OWN].update(predicates=[]),
    "no own member": lambda credential: credential.pop(OWN),
    "revocation": lambda credential: credential[OWN].update(revocation="checked"),
    "an expiry that is a list": lambda credential: credential[OWN].update(expiry=[]),
    "another format": lambda credential: credential.update(format="dc+sd-jwt"),
}


@pytest.mark.parametrize("name", NARROWED)
def test_what_the_plain_form_cannot_keep_is_refused(name: str) -> None:
    written = json.loads(json.dumps(dcql_of(PLAIN).to_json()))
    NARROWED[name](written["credentials"][0])
    with pytest.raises(OpenIdError, match="NOT_UNDERSTOOD"):
        request_of_dcql(read_dcql(written), frame(PLAIN))


MOVED: dict[str, Callable[[Any], Any]] = {
    "a predicate of an unknown kind": lambda query: query["credentials"][0][OWN]["predicates"].append(
        ["like", ["permit", "name"], "W"]
    ),
    "a predicate left out of its list": lambda query: query["credentials"][0][OWN].pop("predicates"),
    "a predicate at another credential": lambda query: query["credentials"][1][OWN]["predicates"].extend(
        query["credentials"][0][OWN]["predicates"]
    ),
    "a branch's member left out": lambda query: query[OWN]["branches"][0].pop("escrows"),
    "a branch's member more": lambda query: query[OWN]["branches"][0].update(hidden=[]),
    "a branch left out": lambda query: query[OWN]["branches"].pop(),
    "an option left out": lambda query: query["credential_sets"][0]["options"].pop(),
    "not required": lambda query: query["credential_sets"][0].update(required=False),
    "a second set": lambda query: query["credential_sets"].append(query["credential_sets"][0]),
    "no sets": lambda query: query.pop("credential_sets"),
    "no own member": lambda query: query.pop(OWN),
    "branches no list": lambda query: query[OWN].update(branches={}),
    "digits no octets": lambda query: query[OWN]["branches"][0].update(digits="00"),
    "an id of another branch": lambda query: query[OWN]["branches"][0].update(id="other"),
    "issuers no list": lambda query: query["credentials"][0][OWN].update(issuers={}),
    "an item that is none": lambda query: query["credentials"][0][OWN].update(expiry=[{"date": 1}]),
    "octets with padding": lambda query: query[OWN]["branches"][0].update(digits={"octets": "AA=="}),
}


@pytest.mark.parametrize("name", MOVED)
def test_what_the_composite_form_cannot_keep_is_refused(name: str) -> None:
    written = json.loads(json.dumps(dcql_of(COMPOSITE).to_json()))
    before = copy.deepcopy(written)
    MOVED[name](written)
    assert written != before
    with pytest.raises((OpenIdError, DisclosureError)):
        request_of_dcql(read_dcql(written), frame(COMPOSITE))


def test_both_forms_in_one_query_are_no_request() -> None:
    mixed = DcqlQuery((*dcql_of(PLAIN).credentials, *dcql_of(COMPOSITE).credentials))
    with pytest.raises(OpenIdError, match="NOT_UNDERSTOOD"):
        request_of_dcql(mixed, frame(PLAIN))


@pytest.mark.parametrize(
    "item", [b"", b"\x00\xff", "text", True, None, 0, -1, 1 << 53, -(1 << 63), (1 << 63) - 1, [[b"x", 1], []]]
)
def test_an_item_goes_to_json_and_back(item: Any) -> None:
    written = json.loads(json.dumps(item_to_json(item)))
    read = item_from_json(written, OpenIdReason.DCQL_INVALID, "")
    assert read == item
    assert type(read) is type(item)


@pytest.mark.parametrize(
    "value",
    [
        1 << 53, {"integer": "1"}, {"integer": str(1 << 63)}, {"integer": "0" + str(1 << 53)}, {"integer": 1},
        {"octets": "A"}, {"octets": "AB"}, {"octets": "AA", "more": 1}, {}, {"octets": 1}, [{"x": 1}],
    ],
    ids=str,
)  # fmt: skip
def test_an_item_has_one_way_to_be_written(value: Any) -> None:
    with pytest.raises(OpenIdError):
        item_from_json(value, OpenIdReason.DCQL_INVALID, "")


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}', '{"a":{"b":1,"b":1}}', '{"a":NaN}', '{"a":1.0}', '{"a":1e3}',
        '{"a":9223372036854775808}',
        '{"a":"\\ud800"}', "[]", "1", "", "{", '{"a":' + "[" * 20 + "]" * 20 + "}", "[" * 100_000,
        '{"a":"' + "x" * 300_000 + '"}', b"\xff{}",
    ],
    ids=range(15),
)  # fmt: skip
def test_json_that_two_readers_could_read_differently_is_refused(text: str | bytes) -> None:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)  # as a library may, for the whole process
    try:
        with pytest.raises(OpenIdError, match="RESPONSE_INVALID"):
            loads(text, OpenIdReason.RESPONSE_INVALID)
    finally:
        sys.setrecursionlimit(limit)
