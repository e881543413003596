"""No secret is compared in a time that says how much of it was right: found by reading the code.

Whatever stands at either side of `==`, `!=`, `in` or a `match` and has a secret's name must be compared by
`hmac.compare_digest`, or is written down here with the reason why its time tells nothing.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PLACES: Final = ("zkservice", "bbs/keyed", "web_edge", "openid", "zk/claims")
"""What holds secrets and is asked by strangers."""
SECRET: Final = re.compile(
    r"(?:^|_)(?:token|secret|password|passphrase|mac|hmac|code|ticket|nonce|hashed|hash|mark|master|pin|bearer"
    r"|digest|signature|private|sealed|kid|thumbprint|pairing|challenge|open_key)(?:s|_hash|_digest|_key)?$"
)
COMPARED: Final = (ast.Eq, ast.NotEq, ast.In, ast.NotIn)

PUBLIC: Final = "known to everybody, or to whoever asks"
SAME_HOLDER: Final = "both sides come from whoever made the request, or from what it has sent before"
OWN: Final = "both sides are the service's own, and nobody who calls chooses either"
BY_HASH: Final = "a SHA-256 of what was shown, which nobody can bring closer to another one octet by octet"
ALLOWED: Final = {
    ("zkservice/callers.py", "scheme.lower() == 'bearer'"): "the name of a scheme",
    ("zkservice/limits.py", "scheme.lower() == 'bearer'"): "the name of a scheme",
    ("zkservice/keyring/drill.py", "secret.public_key() != public_key"): PUBLIC,
    ("zkservice/storage/administrators.py", "of_secret(connection, secret_hash) != name"): PUBLIC,
    ("zkservice/storage/publication.py", "regulator_of_token(connection, hashed) == name"): PUBLIC,
    ("zkservice/composite_judging.py", "presentation.answer.request_digest != request.digest"): PUBLIC,
    ("zkservice/keyring/command.py", "code == _NOT_MINE"): "the exit status of a program",
    ("zkservice/keyring/command.py", "code != 0"): "the exit status of a program",
    ("zkservice/keyring/opening.py", "open_key != none"): "whether there is one: the other side is 32 zeros",
    ("zkservice/observing/interceptor.py", "outcome.code == grpc.StatusCode.CANCELLED.name"): "a status",
    ("zkservice/shown.py", "mark not in self._names"): BY_HASH,
    ("zkservice/pushing.py", "before.digest != record.digest"): OWN,
    ("zkservice/pushing.py", "each.mark in marks"): OWN,
    ("zkservice/pushing.py", "each.mark in known"): OWN,
    ("zkservice/revoked.py", "mark not in self._signers"): "a hash of a certificate, which is public",
    ("zkservice/services/answers.py", "log_entry.note_hash(holder_note) != self.note_hash"): SAME_HOLDER,
    ("zkservice/services/publication.py", "digest not in read"): PUBLIC,
    (
        "zkservice/services/publication.py",
        "request.digest not in (b'', found.regulator.key.digest)",
    ): PUBLIC,
    ("zkservice/services/records.py", "mark not in known"): OWN,
    ("zkservice/services/records.py", "mark in left"): OWN,
    ("zkservice/services/revocation.py", "mark in known"): OWN,
    ("zkservice/services/revocation.py", "known[mark] != name"): OWN,
    ("zkservice/signing.py", "name in supplies.secrets"): "the name of a public key",
    ("zkservice/storage/consents.py", "row.digest != consent.digest"): SAME_HOLDER,
    ("zkservice/storage/exchanges.py", "row.request_digest != exchange.request_digest"): SAME_HOLDER,
    ("zkservice/storage/issuance.py", "row.request_digest != request_digest"): SAME_HOLDER,
    ("zkservice/storage/revocation.py", "row.request_digest != call.digest"): SAME_HOLDER,
    (
        "zkservice/storage/publication.py",
        "(existing.owner, existing.code_system, existing.codes) != published_as",
    ): PUBLIC,
    (
        "zkservice/upkeep/fsck.py",
        "self._tail != [*expected, leaf_hash(applied.header.to_bytes())]",
    ): PUBLIC,
    ("zkservice/storage/deliveries.py", "each.name != 'sealed'"): "the name of a column",
    ("zkservice/storage/records.py", "each.name != 'sealed'"): "the name of a column",
    ("zkservice/storage/taken.py", "column == hashed"): "a column of SQL, by a hash",
    ("zkservice/tokens.py", "token.count('.') == 2"): "how many dots there are",
    ("zkservice/upkeep/manifest.py", "found != digest"): PUBLIC,
    ("openid/app/issuer_app.py", "kind.lower() != 'bearer'"): "the name of a scheme",
    ("openid/app/verifier_app.py", "kind.lower() != 'bearer'"): "the name of a scheme",
    ("openid/app/verifier_app.py", "name == 'wallet_nonce'"): "the name of a field",
    ("openid/encryption.py", "set(key) != {*_FIXED, 'kid', 'x', 'y'}"): "names of members",
    ("openid/encryption.py", "set(head) != {'alg', 'enc', 'kid', 'epk'}"): "names of members",
    ("openid/request_object.py", "set(value) != {'request', 'signature', 'exchange'}"): "names of members",
    (
        "openid/response.py",
        "{first: [answer]} | {each: [{_IN: first}] for each in wanted[1:]} != token",
    ): SAME_HOLDER,
    ("openid/wallet/claiming.py", "kind.lower() != 'bearer'"): "the name of a scheme",
    ("zk/claims/desk.py", "digest in self._scopes"): PUBLIC,
    ("zk/claims/desk.py", "found.hash != request.header"): PUBLIC,
}


@dataclass(frozen=True)
class Comparison:
    """A comparison of what has a secret's name: where, and how it is written."""

    path: str
    line: int
    written: str


def _parts(operand: ast.expr) -> list[ast.expr]:  # noqa: PLR0911 (one for each form)
    """Return what an operand is made of and named after."""
    match operand:
        case ast.Subscript(value=value, slice=index):
            return [value, index]
        case ast.Call(func=ast.Name(id="len" | "type")):
            return []
        case ast.Call(func=ast.Attribute(value=value) as called):  # token.encode(), mac.hex()
            return [called, value]
        case ast.Call(func=called):
            return [called]
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            return parts
        case ast.NamedExpr(target=target, value=value):
            return [target, value]
        case ast.BinOp(left=left, right=right):
            return [left, right]
        case ast.Starred(value=value):
            return [value]
    return []


def _names(operand: ast.expr) -> Iterator[str]:
    """Give what an operand is called: the last name of each of its parts."""
    match operand:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Constant(value=str(name)):
            yield name
    for part in _parts(operand):
        yield from _names(part)


def _is_column(operand: ast.expr) -> bool:
    """Tell whether this is a column of SQL, which is compared in the database."""
    return isinstance(operand, ast.Attribute) and (
        isinstance(operand.value, ast.Attribute) and operand.value.attr == "c"
    )


def comparisons(path: str, source: str) -> list[Comparison]:
    """Return what of a module is compared by value and has a secret's name at either side."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare) and any(isinstance(each, COMPARED) for each in node.ops):
            operands = (node.left, *node.comparators)
            if any(map(_is_column, operands)):
                continue
            if any(SECRET.search(name) for each in operands for name in _names(each)):
                found.append(Comparison(path, node.lineno, ast.unparse(node)))
        elif isinstance(node, ast.Match) and any(map(SECRET.search, _names(node.subject))):
            found.append(Comparison(path, node.lineno, f"match {ast.unparse(node.subject)}"))
    return found


def all_comparisons() -> list[Comparison]:
    return [
        each
        for place in PLACES
        for module in sorted((ROOT / place).rglob("*.py"))
        for each in comparisons(module.relative_to(ROOT).as_posix(), module.read_text("utf-8"))
    ]


def test_no_secret_is_compared_by_value() -> None:
    found = {(each.path, each.written): each.line for each in all_comparisons()}
    unsaid = {place: line for place, line in found.items() if place not in ALLOWED}
    assert not unsaid, "compare with hmac.compare_digest, or say here why time tells nothing"
    assert set(ALLOWED) == set(found), "what is not in the code any more is not to be allowed"
    assert all(ALLOWED.values())


def test_what_is_looked_for_is_found() -> None:
    """A search that finds nothing would pass just as well."""
    compared = (
        "shown == token",
        "self._secret != shown",
        "row.token_hash == token_hash(shown)",
        "token_hash(shown) == row[0]",
        "mac in known",
        "shown in (first.code_hash, second)",
        "shown == mac.hex()",
        "stored['ticket_hash'] == shown",
        "a == b == password",
    )
    for written in compared:
        assert [each.written for each in comparisons("x.py", f"if {written}:\n    pass")] == [written]
    assert comparisons("x.py", "match token:\n    case 'x':\n        pass")
    for other in ("len(token) == 32", "table.c.token_hash == hashed", "token is None", "name == other"):
        assert not comparisons("x.py", other), other
    assert not comparisons("x.py", "hmac.compare_digest(token, shown)")


def test_secrets_are_compared_in_constant_time_where_they_are_compared() -> None:
    """At least so many places use it: more of them is well, fewer is a place that was lost."""
    used = [
        node
        for place in PLACES
        for module in sorted((ROOT / place).rglob("*.py"))
        for node in ast.walk(ast.parse(module.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "compare_digest"
    ]
    assert len(used) >= 12
