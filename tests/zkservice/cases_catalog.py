"""Refusals of the catalogue and of the ledger, and of messages that are none."""

from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.zkservice.refusing import Case, Refusable, Town, add, metadata, raw
from tests.zkservice.stored import change
from tests.zkservice.support import PERMIT, TEXT, new_id
from wire.convert import schema_to, text_to
from zkproto.v1 import account_pb2, catalog_pb2, ledger_pb2

CASES: list[Case] = []
BAD, MISSING, NAMES = "INVALID_ARGUMENT", "FIELD_MISSING", "NAME_INVALID"
POLICE = "departments/police"
PUBLIC_KEY = Ed25519PrivateKey.generate().public_key().public_bytes_raw()


def department(**changes: Any) -> catalog_pb2.CreateDepartmentRequest:
    fields: dict[str, Any] = {
        "department_id": "fire",
        "department": catalog_pb2.Department(display_name=text_to(TEXT)),
    }
    return catalog_pb2.CreateDepartmentRequest(**(fields | changes))


def verifier(**changes: Any) -> catalog_pb2.CreateVerifierRequest:
    message = catalog_pb2.Verifier(display_name=text_to(TEXT), public_key=PUBLIC_KEY)
    fields: dict[str, Any] = {"verifier_id": "shop", "verifier": message}
    return catalog_pb2.CreateVerifierRequest(**(fields | changes))


def schema(**changes: Any) -> catalog_pb2.CreateSchemaRequest:
    message = schema_to(PERMIT)
    message.ClearField("digest")
    fields: dict[str, Any] = {"parent": POLICE, "schema_id": "residence_permit@2", "schema": message}
    return catalog_pb2.CreateSchemaRequest(**(fields | changes))


def key(**changes: Any) -> catalog_pb2.CreateIssuerKeyRequest:
    return catalog_pb2.CreateIssuerKeyRequest(**({"parent": POLICE, "request_id": new_id()} | changes))


WRITES: dict[str, Callable[[], Any]] = {
    "CreateDepartment": department,
    "CreateVerifier": verifier,
    "CreateSchema": schema,
    "CreateIssuerKey": key,
}


def write(
    method: str, message: Callable[[], Any], token: Callable[[Town], str | None]
) -> Callable[[Town], Any]:
    async def scenario(town: Town) -> Refusable:
        stub = getattr(town.city.catalog, method)
        return lambda: stub(message(), metadata=metadata(town.city, token(town)))

    return scenario


def admin(town: Town) -> str:
    return town.city.admin


for method, valid in WRITES.items():
    add(CASES, "UNAUTHENTICATED", "TOKEN_MISSING", name=f"{method} no token")(
        write(method, valid, lambda _: None)
    )
    add(CASES, "UNAUTHENTICATED", "TOKEN_MISSING", name=f"{method} empty token")(
        write(method, valid, lambda _: "")
    )
    for kind, wrong in {
        "unknown": lambda _: "x" * 43,
        "of another department": lambda town: town.tax_token,
        "cut": lambda town: town.city.admin[:-1],
    }.items():
        add(CASES, "PERMISSION_DENIED", "TOKEN_INVALID", name=f"{method} token {kind}")(
            write(method, valid, wrong)
        )
for method in ("CreateDepartment", "CreateVerifier"):
    add(CASES, "PERMISSION_DENIED", "TOKEN_INVALID", name=f"{method} with a department's token")(
        write(method, WRITES[method], lambda town: town.city.department_token)
    )


def writes(reason: str, *fields: str, code: str = BAD) -> Callable[[str, Any], None]:
    def case(method: str, message: Any) -> None:
        title = f"{method} {len(CASES)}"
        add(CASES, code, reason, *fields, name=title)(write(method, lambda: message, admin))

    return case


writes(MISSING, "department")("CreateDepartment", catalog_pb2.CreateDepartmentRequest(department_id="fire"))
writes(NAMES, "department_id")("CreateDepartment", department(department_id="Fire"))
writes(NAMES, "department_id")("CreateDepartment", department(department_id=""))
writes(NAMES, "department_id")("CreateDepartment", department(department_id="a" * 64))
writes(NAMES, "department_id")("CreateDepartment", department(department_id="fire/../tax"))
writes("VALUE_INVALID", "department.display_name.zh")(
    "CreateDepartment", department(department=catalog_pb2.Department())
)
writes("VALUE_INVALID", "department.identifies[0]")(
    "CreateDepartment",
    department(
        department=catalog_pb2.Department(
            display_name=text_to(TEXT), identifies=[account_pb2.Subject.KIND_UNSPECIFIED]
        )
    ),
)
writes("ALREADY_EXISTS", code="ALREADY_EXISTS")("CreateDepartment", department(department_id="police"))
writes(MISSING, "verifier")("CreateVerifier", catalog_pb2.CreateVerifierRequest(verifier_id="shop"))
for unusable in (b"", PUBLIC_KEY[:31], PUBLIC_KEY + b"\0", bytes(32), b"\x01" + bytes(31)):
    writes("FIELD_INVALID", "verifier.public_key")(
        "CreateVerifier",
        verifier(verifier=catalog_pb2.Verifier(display_name=text_to(TEXT), public_key=unusable)),
    )
writes("ALREADY_EXISTS", code="ALREADY_EXISTS")("CreateVerifier", verifier(verifier_id="bank"))
writes(MISSING, "schema")(
    "CreateSchema", catalog_pb2.CreateSchemaRequest(parent=POLICE, schema_id="residence_permit@2")
)
for schema_id in ("", "residence_permit", "residence_permit@0", "residence_permit@01", "a/b@1"):
    writes(NAMES, "schema_id")("CreateSchema", schema(schema_id=schema_id))
writes(NAMES, "parent")("CreateSchema", schema(parent="departments/-"))
writes("NOT_FOUND", "parent", code="NOT_FOUND")("CreateSchema", schema(parent="departments/nobody"))
writes("ALREADY_EXISTS", code="ALREADY_EXISTS")("CreateSchema", schema(schema_id="residence_permit@1"))
writes("SCHEMA_INVALID", "schema.form")("CreateSchema", schema(schema=catalog_pb2.Schema()))
writes("SCHEMA_INVALID", "schema.digest")("CreateSchema", schema(schema=schema_to(PERMIT)))
writes("NOT_FOUND", "parent", code="NOT_FOUND")("CreateIssuerKey", key(parent="departments/nobody"))
writes("FIELD_INVALID", "suite")("CreateIssuerKey", key(suite="BBS_OF_MY_OWN"))
writes(MISSING, "request_id")("CreateIssuerKey", key(request_id=""))
for request_id in ("1", "{" + new_id() + "}", new_id().upper(), new_id().replace("-", "")):
    writes("FIELD_INVALID", "request_id")("CreateIssuerKey", key(request_id=request_id))


@add(CASES, "ALREADY_EXISTS", "REQUEST_ID_REUSED", "request_id")
async def key_of_another_suite(town: Town) -> Refusable:
    message = key(parent="departments/old")
    await town.city.catalog.CreateIssuerKey(message, metadata=metadata(town.city, town.city.admin))
    change(
        town.city.ready.data,
        "update issuer_key set state = 'retired' where department = ?",
        "departments/old",
    )
    message.suite = "BBS_BLS12381G1_XOF:SHAKE-256_SSWU_RO_"
    return lambda: town.city.catalog.CreateIssuerKey(message, metadata=metadata(town.city, town.city.admin))


def reads(method: str, message: Any, code: str, reason: str, field: str) -> None:
    async def scenario(town: Town) -> Refusable:
        service = town.city.ledger if hasattr(town.city.ledger, method) else town.city.catalog
        return lambda: getattr(service, method)(message)

    add(CASES, code, reason, field, name=f"{method} {len(CASES)}")(scenario)


GETS: dict[str, tuple[Any, str]] = {
    "GetDepartment": (catalog_pb2.GetDepartmentRequest, "departments/nobody"),
    "GetSchema": (catalog_pb2.GetSchemaRequest, "departments/police/schemas/residence_permit@9"),
    "GetIssuerKey": (catalog_pb2.GetIssuerKeyRequest, f"departments/police/issuerKeys/{'0' * 32}"),
    "GetVerifier": (catalog_pb2.GetVerifierRequest, "verifiers/nobody"),
}
for method, (message_type, name) in GETS.items():
    reads(method, message_type(name=name), "NOT_FOUND", "NOT_FOUND", "name")
    for bad in ("", f"{name}/x", f"{name}'; drop table seen; --", f" {name}", name.upper()):
        reads(method, message_type(name=bad), BAD, NAMES, "name")
LISTS: dict[str, Any] = {
    "ListSchemas": catalog_pb2.ListSchemasRequest,
    "ListIssuerKeys": catalog_pb2.ListIssuerKeysRequest,
}
for method, message_type in LISTS.items():
    everywhere = "departments/-"
    reads(method, message_type(), BAD, NAMES, "parent")
    reads(method, message_type(parent=everywhere, page_size=-1), BAD, "FIELD_INVALID", "page_size")
    reads(method, message_type(parent=everywhere, page_token="x"), BAD, "PAGE_TOKEN_INVALID", "page_token")

_PROOF, _CONSISTENCY = ledger_pb2.GetInclusionProofRequest, ledger_pb2.GetConsistencyProofRequest
_RANGE, _FAR = ("OUT_OF_RANGE", "RANGE_INVALID"), 1 << 62
reads("GetInclusionProof", _PROOF(entry_index=-1), *_RANGE, "entry_index")
reads("GetInclusionProof", _PROOF(entry_index=_FAR), *_RANGE, "entry_index")
reads("GetInclusionProof", _PROOF(entry_index=1, tree_size=1), *_RANGE, "entry_index")
reads("GetInclusionProof", _PROOF(tree_size=-1), *_RANGE, "tree_size")
reads("GetInclusionProof", _PROOF(tree_size=_FAR), *_RANGE, "tree_size")
reads("GetConsistencyProof", _CONSISTENCY(), *_RANGE, "first_size")
reads("GetConsistencyProof", _CONSISTENCY(first_size=-1), *_RANGE, "first_size")
reads("GetConsistencyProof", _CONSISTENCY(first_size=2, second_size=1), *_RANGE, "first_size")
reads("GetConsistencyProof", _CONSISTENCY(first_size=1, second_size=_FAR), *_RANGE, "second_size")
reads("ListEntries", ledger_pb2.ListEntriesRequest(start_index=-1), *_RANGE, "start_index")
reads("ListEntries", ledger_pb2.ListEntriesRequest(page_size=-1), BAD, "FIELD_INVALID", "page_size")
_TILES, _ANCHORED = ledger_pb2.ReadTilesRequest, ledger_pb2.ListAnchoredCheckpointsRequest
_LEFT = ledger_pb2.Tile(width=3)
reads("ReadTiles", _TILES(tree_size=3), *_RANGE, "tiles")
reads("ReadTiles", _TILES(tree_size=3, tiles=[_LEFT] * 65), *_RANGE, "tiles")
reads("ReadTiles", _TILES(tree_size=-1, tiles=[_LEFT]), *_RANGE, "tree_size")
reads("ReadTiles", _TILES(tree_size=_FAR, tiles=[_LEFT]), *_RANGE, "tree_size")
for place in (
    {"width": 2}, {"width": 4}, {"width": 0}, {"width": -1}, {"width": 3, "level": -1},
    {"width": 3, "level": 1}, {"width": 3, "level": 64}, {"width": 3, "level": 1 << 30},
    {"width": 3, "index": -1}, {"width": 3, "index": 1}, {"width": 3, "index": _FAR},
    {"width": 3, "index": (1 << 63) - 1},
):  # fmt: skip
    reads("ReadTiles", _TILES(tree_size=3, tiles=[_LEFT, ledger_pb2.Tile(**place)]), *_RANGE, "tiles[1]")
reads("ListAnchoredCheckpoints", _ANCHORED(start_size=-1), *_RANGE, "start_size")
reads("ListAnchoredCheckpoints", _ANCHORED(page_size=-1), BAD, "FIELD_INVALID", "page_size")
reads("ListAnchoredCheckpoints", _ANCHORED(page_token="x"), BAD, "PAGE_TOKEN_INVALID", "page_token")


def pages(title: str, alter: Callable[[str], str], start_index: int = 0) -> None:
    async def scenario(town: Town) -> Refusable:
        page = await town.city.ledger.ListEntries(ledger_pb2.ListEntriesRequest(page_size=1))
        asked = ledger_pb2.ListEntriesRequest(start_index=start_index, page_token=alter(page.next_page_token))
        return lambda: town.city.ledger.ListEntries(asked)

    add(CASES, BAD, "PAGE_TOKEN_INVALID", "page_token", name=title)(scenario)


pages("token of another listing", lambda token: token, start_index=1)
pages("token cut", lambda token: token[:-1])
pages("token longer", lambda token: token + "=")
pages("token changed", lambda token: ("A" if token[0] != "A" else "B") + token[1:])
pages("token of another alphabet", lambda token: token + "证")


@add(CASES, BAD, "PAGE_TOKEN_INVALID", "page_token")
async def token_of_another_method(town: Town) -> Refusable:
    page = await town.city.catalog.ListDepartments(catalog_pb2.ListDepartmentsRequest(page_size=1))
    asked = catalog_pb2.ListVerifiersRequest(page_token=page.next_page_token)
    return lambda: town.city.catalog.ListVerifiers(asked)


@add(CASES, BAD, "PAGE_TOKEN_INVALID", "page_token")
async def token_of_another_parent(town: Town) -> Refusable:
    page = await town.city.catalog.ListSchemas(
        catalog_pb2.ListSchemasRequest(parent="departments/-", page_size=1)
    )
    asked = catalog_pb2.ListSchemasRequest(parent=POLICE, page_token=page.next_page_token)
    return lambda: town.city.catalog.ListSchemas(asked)


@add(CASES, BAD, "MESSAGE_MALFORMED")
async def octets_that_are_no_message(town: Town) -> Refusable:
    return lambda: raw(town.city, "CatalogService/GetDepartment")(b"\xff\xff")


@add(CASES, BAD, "MESSAGE_MALFORMED")
async def text_that_is_not_utf8(town: Town) -> Refusable:
    return lambda: raw(town.city, "CatalogService/GetDepartment")(b"\x0a\x01\xff")


@add(CASES, BAD, "MESSAGE_TOO_LARGE")
async def message_one_octet_too_large(town: Town) -> Refusable:
    return lambda: raw(town.city, "CatalogService/GetDepartment")(bytes((256 << 10) + 1))
