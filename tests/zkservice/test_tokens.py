"""Short-lived tokens over a real server: what is good, what is forged, what ends them."""

import base64
import datetime as dt
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jwt
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.zkservice import counting
from tests.zkservice.stored import dump, selected
from tests.zkservice.support import City, city, refusal, reopened
from tests.zkservice.walking import token_of
from zkproto.v1 import catalog_pb2, statistics_pb2, token_pb2, token_pb2_grpc
from zkservice.keys import Keys
from zkservice.tokens import LEEWAY, LIFETIME, label, thumbprint

in_module = pytest.mark.asyncio(loop_scope="module")
_SECOND: Final = dt.timedelta(seconds=1)


def stub(town: City) -> Any:
    return token_pb2_grpc.TokenServiceStub(town.channel)


async def keys(town: City) -> list[Any]:
    return list((await stub(town).ListTokenKeys(token_pb2.ListTokenKeysRequest())).keys)


async def reason(town: City, token: str) -> str:
    """Ask as a department for what is let through and changes nothing; return the reason, or OK."""
    asked = catalog_pb2.UpdateIssuerKeyStateRequest(name=f"departments/police/issuerKeys/{'0' * 32}")
    error = await refusal(town.catalog.UpdateIssuerKeyState(asked, metadata=town.bearer(token)))
    return "OK" if error.reason in {"NOT_FOUND", "FIELD_INVALID"} else error.reason


@dataclass
class Forge:
    """Whoever has a good token, the public key, and a key of its own."""

    town: City
    token: str
    public_key: bytes

    @property
    def header(self) -> dict[str, Any]:
        return dict(jwt.get_unverified_header(self.token))

    @property
    def claims(self) -> dict[str, Any]:
        return dict(jwt.decode(self.token, options={"verify_signature": False}))

    def signed(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        """Sign as the server does, with the server's own key: what else is wrong shows by itself."""
        data = self.town.ready.data
        kid = self.header["kid"]
        ((sealed,),) = selected(data, "select sealed from token_key where kid = ?", kid)
        secret = Ed25519PrivateKey.from_private_bytes(Keys.load(data / "keys").open(label(kid), sealed))
        signing = f"{part(header)}.{part(claims)}"
        return f"{signing}.{text(secret.sign(signing.encode()))}"


def text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def part(value: Any) -> str:
    return text(json.dumps(value).encode())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def forge(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Forge]:
    async with city(tmp_path_factory.mktemp("tokens")) as town:
        token = await token_of(town, town.department_token)
        (key,) = await keys(town)
        yield Forge(town, token, base64.urlsafe_b64decode(key.x + "="))


@in_module
async def test_what_is_signed_as_it_should_be_is_good(forge: Forge) -> None:
    """Without this all forgeries below might be refused for the same wrong cause."""
    assert await reason(forge.town, forge.token) == "OK"
    assert await reason(forge.town, forge.signed(forge.header, forge.claims)) == "OK"


@in_module
async def test_a_token_says_whose_it_is_and_no_secret(forge: Forge) -> None:
    claims, origin = forge.claims, "zk-disclosure.example/log"
    assert claims["sub"] == "departments/police"
    assert (claims["role"], claims["iss"], claims["aud"]) == ("department", origin, origin)
    assert claims["exp"] - claims["iat"] == LIFETIME.total_seconds()
    assert forge.header == {"alg": "EdDSA", "typ": "zk-access+jwt", "kid": thumbprint(forge.public_key)}
    assert forge.town.department_token not in json.dumps(claims)
    stored = hashlib.sha256(b"zk-disclosure/access-token/v1\x00" + forge.town.department_token.encode())
    assert stored.hexdigest() not in json.dumps(claims)


Forging = Callable[[Forge], str]
FORGED: dict[str, Forging] = {}


def forged(name: str) -> Callable[[Forging], Forging]:
    def note(make: Forging) -> Forging:
        FORGED[name] = make
        return make

    return note


def altered(name: str, header: dict[str, Any] | None = None, **claims: Any) -> None:
    """Signed with the server's own key, but for these members; None leaves one out."""

    def make(forge: Forge) -> str:
        said = {**forge.claims, **{key: _now_of(value) for key, value in claims.items()}}
        head = {**forge.header, **(header or {})}
        return forge.signed(*({k: v for k, v in each.items() if v is not None} for each in (head, said)))

    FORGED[name] = make


def _now_of(value: Any) -> Any:
    return int((dt.datetime.now(dt.UTC) + value).timestamp()) if isinstance(value, dt.timedelta) else value


MINUTE: Final = dt.timedelta(minutes=1)
altered("another log's audience", aud="elsewhere.example/log")
altered("a list of audiences", aud=["zk-disclosure.example/log", "elsewhere.example/log"])
altered("another issuer", iss="elsewhere.example/log")
altered("ended", iat=-16 * MINUTE, nbf=-16 * MINUTE, exp=-MINUTE)
altered("ended just now", iat=-15 * MINUTE, nbf=-15 * MINUTE, exp=-_SECOND)
altered("dated ahead", iat=2 * MINUTE, nbf=2 * MINUTE, exp=10 * MINUTE)
altered("good for long", exp=dt.timedelta(days=365))
altered("good for ever", exp=1 << 62)
altered("times of another kind", exp="9999999999")
altered("times that are fractions", exp=9999999999.5)
altered("times that are truth", iat=True)
altered("another party of the role", sub="departments/tax")
altered("another role", role="administrator")
altered("another role and its name", role="administrator", sub="administrators/root")
altered("the operator", role="operator", sub="operators/root")
altered("a role that there is not", role="root")
altered("a name that is none", sub="police")
altered("a name of another kind", sub=7)
altered("a member more", admin=True)
altered("another secret's mark", bound=text(bytes(16)))
altered("a mark of another kind", bound=["x"])
for _name in ("iss", "aud", "sub", "role", "iat", "nbf", "exp", "jti", "bound"):
    altered(f"no {_name}", **{_name: None})
altered("another type", {"typ": "JWT"})
altered("no type", {"typ": None})
altered("no algorithm", {"alg": None})
altered("the algorithm none in the header", {"alg": "none"})
altered("an algorithm of the same family", {"alg": "Ed448"})
altered("no key", {"kid": None})
altered("a key of another kind", {"kid": 7})
altered("a key that there is not", {"kid": text(bytes(32))})
altered("a key in the header", {"jwk": {"kty": "OKP"}})
altered("a key's address", {"jku": "https://localhost/keys"})
altered("what is critical", {"crit": ["b64"], "b64": False})


@forged("signed with another key")
def _another_key(forge: Forge) -> str:
    return jwt.encode(forge.claims, Ed25519PrivateKey.generate(), "EdDSA", headers=forge.header)


@forged("without a signature")
def _none(forge: Forge) -> str:
    return f"{part({**forge.header, 'alg': 'none'})}.{part(forge.claims)}."


@forged("the signature left out")
def _unsigned(forge: Forge) -> str:
    return forge.token.rpartition(".")[0] + "."


def _hs256(forge: Forge, key: bytes) -> str:
    signing = f"{part({**forge.header, 'alg': 'HS256'})}.{part(forge.claims)}"
    return f"{signing}.{text(hmac.new(key, signing.encode(), 'sha256').digest())}"


@forged("HS256 with the public key's octets")
def _hs256_raw(forge: Forge) -> str:
    return _hs256(forge, forge.public_key)


@forged("HS256 with the public key's PEM")
def _hs256_pem(forge: Forge) -> str:
    key = Ed25519PublicKey.from_public_bytes(forge.public_key)
    return _hs256(forge, key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


@forged("one claim changed under the signature")
def _changed(forge: Forge) -> str:
    head, _, signature = forge.token.split(".")
    return f"{head}.{part({**forge.claims, 'sub': 'departments/tax'})}.{signature}"


@forged("the signature's last bit changed")
def _bit(forge: Forge) -> str:
    head, claims, signature = forge.token.split(".")
    octets = base64.urlsafe_b64decode(signature + "==")
    return f"{head}.{claims}.{text(octets[:-1] + bytes([octets[-1] ^ 1]))}"


@forged("claims that are a list")
def _list(forge: Forge) -> str:
    return forge.signed(forge.header, ["x"])  # type: ignore[arg-type]


@forged("a header that is a list")
def _header_list(forge: Forge) -> str:
    return forge.signed(["x"], forge.claims)  # type: ignore[arg-type]


@forged("brackets without end")
def _deep(forge: Forge) -> str:
    return ".".join((text(b'{"a":' + b"[" * 600), part(forge.claims), "x"))


@forged("long")
def _long(forge: Forge) -> str:
    return forge.signed(forge.header, {**forge.claims, "jti": "x" * 2000})


@forged("dots alone")
def _dots(_: Forge) -> str:
    return "eyJ.."


@forged("letters that are no base64")
def _letters(_: Forge) -> str:
    return "eyJ~~~.~~~.~~~"


@in_module
@pytest.mark.parametrize("name", FORGED)
async def test_what_is_forged_is_refused_and_changes_nothing(forge: Forge, name: str) -> None:
    token, before = FORGED[name](forge), dump(forge.town.ready.data)
    assert await reason(forge.town, token) == "TOKEN_INVALID"
    assert dump(forge.town.ready.data) == before


@in_module
async def test_a_token_of_another_log_is_refused(forge: Forge, tmp_path: Path) -> None:
    async with city(tmp_path, log_origin="another.example/log") as other:
        theirs = await token_of(other, other.department_token)
        assert await reason(other, theirs) == "OK"
        assert await reason(forge.town, theirs) == "TOKEN_INVALID"
        assert await reason(other, forge.token) == "TOKEN_INVALID"


@in_module
async def test_a_token_makes_no_token(forge: Forge) -> None:
    asked = stub(forge.town).CreateToken(
        token_pb2.CreateTokenRequest(), metadata=forge.town.bearer(forge.token)
    )
    assert (await refusal(asked)).reason == "TOKEN_INVALID"


async def test_a_token_ends_when_it_says(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        token = await token_of(town, town.department_token)
        town.clock.ahead = LIFETIME - 5 * _SECOND
        assert await reason(town, token) == "OK"
        town.clock.ahead = LIFETIME
        assert await reason(town, token) == "TOKEN_INVALID"


async def test_the_key_before_counts_until_its_last_token_has_ended(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        operator = (tmp_path / "operator.token").read_text().strip()
        token = await token_of(town, town.department_token)
        (before,) = await keys(town)
        rotate = token_pb2.RotateTokenKeysRequest()
        made = (await stub(town).RotateTokenKeys(rotate, metadata=town.bearer(operator))).key
        assert [each.kid for each in await keys(town)] == [made.kid, before.kid]
        newer = await token_of(town, town.department_token)
        assert jwt.get_unverified_header(newer)["kid"] == made.kid
        assert await reason(town, token) == await reason(town, newer) == "OK"
        town.clock.ahead = LIFETIME + LEEWAY + _SECOND
        assert [each.kid for each in await keys(town)] == [made.kid]
        town.clock.ahead = dt.timedelta()


async def test_a_leaked_key_is_ended_at_once(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        token = await token_of(town, town.department_token)
        made = await stub(town).RotateTokenKeys(
            token_pb2.RotateTokenKeysRequest(at_once=True), metadata=town.bearer(town.admin)
        )
        assert [each.kid for each in await keys(town)] == [made.key.kid]
        assert await reason(town, token) == "TOKEN_INVALID"
        assert await reason(town, await token_of(town, town.department_token)) == "OK"


async def test_another_secret_ends_the_one_before_and_its_tokens(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        secret = town.department_token
        token = await token_of(town, secret)
        assert await reason(town, token) == await reason(town, secret) == "OK"
        asked = token_pb2.ReplaceSecretRequest(name="departments/police")
        other = (await stub(town).ReplaceSecret(asked, metadata=town.bearer(secret))).access_token
        assert await reason(town, token) == await reason(town, secret) == "TOKEN_INVALID"
        assert await reason(town, other) == await reason(town, await token_of(town, other)) == "OK"


async def test_another_access_ends_a_regulators_tokens(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        token = await token_of(town, await counting.access(town))
        await counting.read(town, token, "day")
        asked = statistics_pb2.CreateRegulatorAccessRequest(regulator="regulators/audit")
        await counting.stub(town).CreateRegulatorAccess(asked, metadata=town.bearer(town.admin))
        town.clock.ahead = 2 * _SECOND
        refused = counting.stub(town).ListStatistics(
            counting.asking(town, "day"), metadata=town.bearer(token)
        )
        assert (await refusal(refused)).reason == "TOKEN_INVALID"


async def test_another_secret_in_the_folder_ends_an_administrators_tokens(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        token = await token_of(town, town.admin)
    (tmp_path / "admin.token").unlink()
    async with reopened(tmp_path) as town:
        assert await reason(town, token) == "TOKEN_INVALID"
        assert await reason(town, await token_of(town, town.admin)) == "OK"


async def test_where_no_secret_is_taken_tokens_do_all(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        secret = town.department_token
    async with reopened(tmp_path, accept_secrets=False) as town:
        assert await reason(town, secret) == "SECRET_NOT_ACCEPTED"
        assert await reason(town, await token_of(town, secret)) == "OK"
        town.admin = await token_of(town, town.admin)
        await town.add_department("tax")


async def test_a_restart_ends_no_token(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        token = await token_of(town, town.department_token)
    async with reopened(tmp_path) as town:
        assert await reason(town, token) == "OK"


async def test_the_secret_half_of_a_key_is_sealed(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        await token_of(town, town.department_token)
        ((kid, sealed),) = selected(tmp_path, "select kid, sealed from token_key")
        secret = Keys.load(tmp_path / "keys").open(label(kid), sealed)
        assert len(secret) == 32
        for path in tmp_path.rglob("*"):
            assert not path.is_file() or secret not in path.read_bytes()
