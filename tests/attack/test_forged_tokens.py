"""Tokens that were never given, in the places where some server somewhere would believe them.

What is wrong in one claim or header of a token is in tests/zkservice/test_tokens.py. Here are keys that the
token brings along, names of keys that are paths or statements, sessions of others, and tokens
in other places.
"""

import base64
import datetime as dt
import hmac
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any, Final

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.attack.http2 import answer_to
from tests.attack.target import Target, attacked
from tests.reliability.flooding import message, opening
from tests.zkservice.sessions import opened
from tests.zkservice.support import City
from tests.zkservice.test_tokens import Forge, keys, part, text
from tests.zkservice.walking import token_of
from zkproto.v1 import catalog_pb2, delivery_pb2, delivery_pb2_grpc, token_pb2

in_module = pytest.mark.asyncio(loop_scope="module")
KEY: Final = f"departments/police/issuerKeys/{'0' * 32}"
ASKED: Final = catalog_pb2.UpdateIssuerKeyStateRequest(name=KEY)
"""A department's call that is let through to whoever shows its token, and then names no state."""
INVALID: Final = ("PERMISSION_DENIED", "TOKEN_INVALID")
LET_THROUGH: Final = ("INVALID_ARGUMENT", "FIELD_INVALID")
METHOD: Final = "/zkproto.v1.CatalogService/UpdateIssuerKeyState"
ORDER: Final = 2**252 + 27742317777372353535851937790883648493
"""Of the group that Ed25519 signs in (RFC 8032, section 5.1)."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def target(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    async with attacked(tmp_path_factory.mktemp("tokens")) as opened_:
        yield opened_


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def forge(target: Target) -> Forge:
    token = await token_of(target.city, target.city.department_token)
    (key,) = await keys(target.city)
    return Forge(target.city, token, base64.urlsafe_b64decode(key.x + "="))


def calling(target: Target, *metadata: tuple[str, str | bytes]) -> Callable[[], Any]:
    return lambda: target.city.catalog.UpdateIssuerKeyState(ASKED, metadata=metadata)


def bearing(target: Target, token: str) -> Callable[[], Any]:
    return calling(target, ("authorization", f"Bearer {token}"))


@in_module
async def test_the_honest_token_is_let_through(target: Target, forge: Forge) -> None:
    """Without this all attacks below might be refused for the same wrong cause."""
    await target.refuses(bearing(target, forge.token), *LET_THROUGH)


def own_key(forge: Forge, **header: Any) -> str:
    """Sign with a key of the attacker's own, which the header names or brings along."""
    mine = Ed25519PrivateKey.generate()
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": text(mine.public_key().public_bytes_raw())}
    named = {name: jwk if value == "jwk" else value for name, value in header.items()}
    signing = f"{part({**forge.header, **named})}.{part(forge.claims)}"
    return f"{signing}.{text(mine.sign(signing.encode()))}"


def hs256(forge: Forge, key: bytes, kid: str) -> str:
    signing = f"{part({**forge.header, 'alg': 'HS256', 'kid': kid})}.{part(forge.claims)}"
    return f"{signing}.{text(hmac.new(key, signing.encode(), 'sha256').digest())}"


def other_scalar(forge: Forge) -> str:
    """Add the group's order to the signature's second half, which some verifiers reduce away."""
    head, claims, signature = forge.token.split(".")
    octets = base64.urlsafe_b64decode(signature + "==")
    larger = int.from_bytes(octets[32:], "little") + ORDER
    return f"{head}.{claims}.{text(octets[:32] + larger.to_bytes(32, 'little'))}"


def other_spelling(forge: Forge) -> str:
    """Set bits of the last letter that no octet of the signature has."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return forge.token[:-1] + letters[letters.index(forge.token[-1]) | 1]


FORGED: Final[dict[str, Callable[[Forge], str]]] = {
    "a key of its own in jwk": lambda forge: own_key(forge, jwk="jwk"),
    "a key of its own in jwk alone": lambda forge: own_key(forge, jwk="jwk", kid="mine"),
    "jku": lambda forge: own_key(forge, jku="https://attacker.example/keys.json"),
    "jku in the data folder": lambda forge: own_key(forge, jku="file:///etc/hostname"),
    "x5u": lambda forge: own_key(forge, x5u="https://attacker.example/chain.pem"),
    "x5c": lambda forge: own_key(forge, x5c=["MIIB"]),
    "compressed claims": lambda forge: own_key(forge, zip="DEF"),
    "kid: a path": lambda forge: own_key(forge, kid="../../keys/master.key"),
    "kid: a statement": lambda forge: own_key(forge, kid="x' union select sealed from token_key --"),
    "kid: a statement that is true": lambda forge: own_key(forge, kid="' or '1'='1"),
    "kid: a pattern": lambda forge: own_key(forge, kid="%"),
    "kid: a zero octet": lambda forge: own_key(forge, kid="\0"),
    "kid: half a surrogate pair": lambda forge: own_key(forge, kid="\ud800"),
    "kid: a list": lambda forge: own_key(forge, kid=[forge.header["kid"]]),
    "HS256 with a file that is empty": lambda forge: hs256(forge, b"", "../../../../dev/null"),
    "HS256 with the name of the key": lambda f: hs256(f, f.header["kid"].encode(), f.header["kid"]),
    "the signature's other scalar": other_scalar,
    "the signature's other spelling": other_spelling,
    "padding": lambda forge: forge.token + "==",
    "a fourth part": lambda forge: forge.token + ".x",
    "encrypted": lambda forge: f"{part({'alg': 'dir', 'enc': 'A128GCM'})}..x.x.x",
    "huge": lambda forge: forge.token + "A" * 6000,
    "a number of thousands of digits": lambda _: text(b'{"alg":' + b"9" * 5000 + b"}") + ".e30.x",
    "space within": lambda forge: forge.token.replace(".", " .", 1),
    "letters that look alike": lambda forge: "%65%79" + forge.token[2:],
}


@in_module
@pytest.mark.parametrize("name", FORGED)
async def test_a_forged_token_is_refused(target: Target, forge: Forge, name: str) -> None:
    await target.refuses(bearing(target, FORGED[name](forge)), *INVALID)


@in_module
async def test_a_token_counts_in_its_one_place_only(target: Target, forge: Forge) -> None:
    token, secret = forge.token, target.city.department_token
    for metadata in (
        ("authorization-bin", f"Bearer {token}".encode()),
        ("proxy-authorization", f"Bearer {token}"),
        ("cookie", f"authorization=Bearer {token}"),
        ("x-forwarded-user", "departments/police"),
        ("x-authorization", f"Bearer {secret}"),
        ("access_token", token),
        ("authorization", token),
        ("authorization", f"Basic {secret}"),
        ("authorization", "Bearer "),
    ):
        await target.refuses(calling(target, metadata), "UNAUTHENTICATED", "TOKEN_MISSING")
    by_path: Any = target.city.channel.unary_unary(f"{METHOD}?access_token={token}")
    await target.refuses(lambda: by_path(ASKED.SerializeToString()), "UNIMPLEMENTED", "UNIMPLEMENTED")


@in_module
async def test_two_tokens_are_none(target: Target, forge: Forge) -> None:
    """A proxy in front may look at one of them and the service at the other."""
    good, bad = ("authorization", f"Bearer {forge.token}"), ("authorization", f"Bearer {'x' * 43}")
    admin = ("authorization", f"Bearer {target.city.admin}")
    for two in ((good, bad), (bad, good), (good, good), (good, admin), (("authorization", "Basic x"), good)):
        await target.refuses(calling(target, *two), *INVALID)


@in_module
@pytest.mark.parametrize("octets", [b"\xff\xfe", "令牌".encode(), b"a\0b", b"a\r\nx-role: admin", b"\x7f"])
async def test_octets_that_are_no_text_in_a_header(target: Target, octets: bytes) -> None:
    before = target.rows()
    headers = opening(1, METHOD, authorization=b"Bearer " + octets)
    told = await answer_to(target.city.ready.address, headers + message(1, ASKED.SerializeToString()))
    assert b"no such state" not in told
    assert b"a fault of the service" not in told
    assert target.rows() == before
    await target.serves()


def session_of(party: str, ends: dt.datetime, mac: str) -> str:
    return text(f"{party}|{round(ends.timestamp() * 1000)}|{mac}".encode())


@in_module
async def test_a_session_of_another_party_is_not_made_of_ones_own(target: Target) -> None:
    town = target.city
    mine = await opened(town, "verifiers/school", town.verifier_keys["school"])
    party, ends, mac = base64.urlsafe_b64decode(mine + "=" * (-len(mine) % 4)).decode().split("|")
    moment = dt.datetime.fromtimestamp(int(ends) / 1000, dt.UTC)
    stub: Any = delivery_pb2_grpc.DeliveryServiceStub(town.channel)
    asked = delivery_pb2.ListDeliveriesRequest()
    assert session_of(party, moment, mac) == mine
    assert not (await stub.ListDeliveries(asked, metadata=town.bearer(mine))).deliveries
    forged = (
        session_of("verifiers/bank", moment, mac),
        session_of(party, moment + dt.timedelta(days=365), mac),
        session_of("departments/police", moment, mac),
        session_of("administrators/root", moment, mac),
        session_of("verifiers/school|1", moment, mac),
        session_of("verifiers/schoo", moment, f"l{mac}"),
        session_of("verifiers/nobody", moment, mac),
        session_of(party, moment, ""),
        session_of(party, moment, mac.upper()),
        session_of(party, moment, mac[:-1]),
        text(f"{party}|0{ends}|{mac}".encode()),
        text(f"{party}|{ends}.0|{mac}".encode()),
        text(f"{party}|+{ends}|{mac}".encode()),
        text(f"{party}|{ends}|{mac}|".encode()),
        mine + "=",
    )
    for token in forged:
        await target.refuses(
            partial(stub.ListDeliveries, asked, metadata=town.bearer(token)),
            *INVALID,
        )
    await target.refuses(bearing(target, mine), *INVALID)
    make: Any = town.channel.unary_unary("/zkproto.v1.TokenService/CreateToken")
    octets = token_pb2.CreateTokenRequest().SerializeToString()
    await target.refuses(lambda: make(octets, metadata=town.bearer(mine)), *INVALID)


@in_module
async def test_a_token_of_a_secret_that_was_replaced_is_void(target: Target) -> None:
    town = target.city
    secret = await town.add_department("replaced")
    token = await token_of(town, secret)
    asked = catalog_pb2.UpdateIssuerKeyStateRequest(name=KEY.replace("police", "replaced"))
    await target.refuses(
        lambda: town.catalog.UpdateIssuerKeyState(asked, metadata=town.bearer(token)),
        *LET_THROUGH,
    )
    await replace_secret(town, "departments/replaced")
    for old in (token, secret):
        await target.refuses(
            partial(town.catalog.UpdateIssuerKeyState, asked, metadata=town.bearer(old)),
            *INVALID,
        )


async def replace_secret(town: City, name: str) -> None:
    make: Any = town.channel.unary_unary(
        "/zkproto.v1.TokenService/ReplaceSecret",
        request_serializer=token_pb2.ReplaceSecretRequest.SerializeToString,
        response_deserializer=token_pb2.ReplaceSecretResponse.FromString,
    )
    await make(token_pb2.ReplaceSecretRequest(name=name), metadata=town.bearer(town.admin))
