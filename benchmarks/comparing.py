"""Whether the time of a wrong secret's refusal says how much of it was right.

    python -m benchmarks.comparing [--measurements N] [--output FILE]

As dudect does (Reparaz, Balasch, Verbauwhede 2017): what decides on a secret is given one that is wrong at
its first octet or one that is wrong at its last, by lot, all kinds in turns; the slow tail is left out, and
Welch's t says how far the means of both classes are apart. Up to 4.5 nothing was found with so many
measurements; that there is nothing it does not say. Beside them stand controls, decided by a comparison that
ends at the first difference: in these the method has to find it. One more has two classes that are alike.

Measured is one function within this process, by a clock of nanoseconds; over a network less is seen. Secrets
that are looked up in the database, by their hash, are not among them. Exit code 1 if a control was not found,
or a difference was that should not be.
"""

import argparse
import base64
import datetime as dt
import hmac
import json
import random
import secrets
import sys
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil, copysign, fsum, inf, sqrt
from pathlib import Path
from statistics import median
from time import perf_counter_ns
from types import SimpleNamespace
from typing import Any, Final

from starlette.requests import Request

from benchmarks.results import Row
from benchmarks.tables import table
from disclosure import CredentialForm, SchemaName
from openid.app import sessions as openid_sessions
from openid.app import verifier_app
from openid.app.offering import Grants
from openid.errors import OpenIdError
from openid.issuance import Nonces
from openid.strict_json import to_base64url
from web_edge import sessions as edge_sessions
from web_edge.origins import Origins
from zk.bench.measure import quiet
from zkservice import sessions as service_sessions
from zkservice.credentials import Secrets
from zkservice.errors import ServiceError
from zkservice.fields import Pages
from zkservice.keys import Keys, token_hash
from zkservice.storage.issuance import Offer, is_claim

MEASUREMENTS: Final = 200_000
FOUND: Final = 4.5
"""What |t| exceeds where there is a difference, as such tests have it."""
ROUND: Final = 1_000
KEPT: Final = 0.9
"""The share of measurements that counts; the slowest are what the machine did meanwhile."""
NOW: Final = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
_TEXT: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_DIGITS: Final = "0123456789"
_LONG: Final = 1 << 14
_MAC_OCTETS: Final = 32
_PAGE_MAC: Final = 22


@dataclass(frozen=True)
class Comparison:
    """What decides on a secret, and the secret that is right.

    `sent` makes of a secret what is sent, and `prepare` comes before each call: neither is measured. In a
    `control` a difference has to be found; where both classes are `alike` there is none. What is there for
    `scale` has one of a nanosecond or less: whether it is found says how little this run can see.
    """

    operation: str
    right: str | bytes = field(repr=False)
    decide: Callable[[Any], bool]
    sent: Callable[[Any], Any] = field(default=lambda given: given, repr=False)
    prepare: Callable[[], object] = lambda: None
    control: bool = False
    alike: bool = False
    scale: bool = False

    def wrong(self, last: bool, draw: random.Random) -> Any:
        """Return what is sent of a secret that is wrong at its first or last octet alone."""
        place = len(self.right) - 1 if last and not self.alike else 0
        if isinstance(self.right, bytes):
            other = bytes((self.right[place] ^ draw.randrange(1, 256),))
            return self.sent(self.right[:place] + other + self.right[place + 1 :])
        letters = _DIGITS if self.right.isdecimal() else _TEXT
        another = draw.choice(letters.replace(self.right[place], ""))
        return self.sent(self.right[:place] + another + self.right[place + 1 :])


def comparisons() -> list[Comparison]:
    """Return all that is measured, each with a secret that was never used before."""
    return [*_of_the_service(), *_of_its_sessions(), *_of_the_pages(), *_of_openid(), *_controls()]


def _holds(act: Callable[[Any], object], error: type[Exception]) -> Callable[[Any], bool]:
    """Return what tells whether an act refuses something."""

    def decide(given: Any) -> bool:
        try:
            act(given)
        except error:
            return False
        return True

    return decide


def _of_the_service() -> Iterator[Comparison]:
    keys, root, nowhere = Keys(secrets.token_bytes(32)), secrets.token_urlsafe(32), SimpleNamespace()
    known: Any = Secrets(nowhere, root, secrets.token_urlsafe(32), lambda: NOW)  # type: ignore[arg-type]
    yield Comparison(
        "secret of root or the operator", root, lambda given: known.in_file(token_hash(given)) is not None
    )
    yield Comparison(
        "ticket, claim code, result token",
        keys.token("ticket", "exchange"),
        lambda given: keys.is_token(given, "ticket", "exchange"),
    )
    yield Comparison(
        "pairing code",
        keys.code("pairing", "exchange"),
        lambda given: keys.is_code(given, "pairing", "exchange"),
    )
    claimed = secrets.token_urlsafe(27)
    offer = Offer("o", "d", "s", "r", b"", NOW, NOW, claim_request_id=claimed)
    yield Comparison("request_id of a claim", claimed, lambda given: is_claim(offer, given))
    pages = Pages(keys)
    octets = base64.urlsafe_b64decode(pages.give("listing", "departments/police"))
    yield Comparison(
        "page token",
        octets[:_PAGE_MAC].decode(),
        _holds(lambda given: pages.take("listing", given), ServiceError),
        lambda mac: base64.urlsafe_b64encode(mac.encode() + octets[_PAGE_MAC:]).decode(),
    )


def _of_its_sessions() -> Iterator[Comparison]:
    keys, party, ends, public_key = Keys(secrets.token_bytes(32)), "accounts/somebody", NOW, bytes(32)
    opened: Any = service_sessions.Sessions(SimpleNamespace(), keys, SimpleNamespace())  # type: ignore[arg-type]
    yield Comparison(
        "session token",
        keys.fleeting(*service_sessions._named(party, ends, public_key)),
        lambda given: bool(opened._is_token(given, party, ends, public_key)),
        lambda mac: service_sessions._written(party, ends, mac),
    )
    nonce: bytes = opened.challenge(NOW)[0]
    start = service_sessions._START_OCTETS
    yield Comparison("challenge", nonce[start:], opened._is_challenge, lambda mac: nonce[:start] + mac)


def _of_the_pages() -> Iterator[Comparison]:
    code = secrets.token_urlsafe(8)
    counter = edge_sessions.Sessions("counter", code, Origins((), True), lambda: None)
    yield Comparison("code of a counter's or the centre's pages", code, counter.is_code)


def _of_openid() -> Iterator[Comparison]:
    grants = Grants(lambda: NOW)
    grant = grants.add(SchemaName("police", "permit", 1), CredentialForm.PLAIN, None, tx_code=True)
    redeem = _holds(lambda given: grants.redeem(grant.code, given), OpenIdError)
    by_code = _holds(lambda given: grants.by("code", given), OpenIdError)
    yield Comparison("pre-authorised code, by its hash", grant.code, by_code)
    yield Comparison(
        "transaction code", grant.tx_code or "", redeem, prepare=lambda: setattr(grant, "wrong", 0)
    )
    asked = openid_sessions.Sessions(lambda: NOW)
    begun = asked.begin("policy", openid_sessions.Device.SAME)
    code = asked.answered(begun.session, SimpleNamespace())  # type: ignore[arg-type]
    brought = _holds(lambda given: asked.brought(begun.cookie, given), OpenIdError)
    yield Comparison("response code", code or "", brought)
    nonces = Nonces()
    nonce = nonces.new(NOW)
    octets = base64.urlsafe_b64decode(nonce + "=" * (-len(nonce) % 4))
    body, tag = octets[:-_MAC_OCTETS], octets[-_MAC_OCTETS:]
    check = _holds(lambda given: nonces.check(given, NOW), OpenIdError)
    yield Comparison("nonce of an issuer", tag, check, lambda mac: to_base64url(body + mac))
    secret = secrets.token_urlsafe(32)
    edge: Any = SimpleNamespace(_secret=verifier_app._hashed(secret))
    yield Comparison(
        "secret of a counter at the verifier's edge",
        secret,
        lambda given: verifier_app._App._from_counter(edge, given),
        _shown,
    )


def _shown(secret: str) -> Request:
    return Request({"type": "http", "headers": [(b"authorization", f"Bearer {secret}".encode())]})


def _controls() -> Iterator[Comparison]:
    right, long = secrets.token_urlsafe(32).encode(), secrets.token_bytes(_LONG)
    yield Comparison(
        "two classes that are alike", right, lambda given: hmac.compare_digest(given, right), alike=True
    )
    yield Comparison(
        f"control: == of {_LONG:,} octets", long, lambda given: bool(given == long), control=True
    )
    yield Comparison("for scale: == of 43 octets", right, lambda given: bool(given == right), scale=True)
    yield Comparison("control: a loop over 43 octets", right, lambda given: _loop(given, right), control=True)


def _loop(given: bytes, right: bytes) -> bool:
    """Compare as nobody should: it ends at the first difference."""
    return all(one == other for one, other in zip(given, right, strict=True))


def measure(
    make: Callable[[], Sequence[Comparison]], count: int, draw: random.Random
) -> list[tuple["array[int]", "array[int]"]]:
    """Return the nanoseconds of both classes of each that `make` gives, at least so many in all of each.

    Each round has secrets of its own. Of one secret a class has some sixty wrong ones only, which fall into a
    table of hashes by chance: one class may be slower, and that says nothing of how close it is.
    """
    taken = [(array("q"), array("q")) for _ in make()]
    places = list(range(len(taken)))
    with quiet():
        for _ in range(ceil(count / ROUND)):
            measured = make()
            draw.shuffle(places)
            for place in places:
                _round(measured[place], taken[place], draw)
    return taken


def _round(comparison: Comparison, taken: Sequence["array[int]"], draw: random.Random) -> None:
    decide, prepare = comparison.decide, comparison.prepare
    classes = [draw.getrandbits(1) for _ in range(ROUND)]
    given = [comparison.wrong(bool(each), draw) for each in classes]
    for whose, each in zip(classes, given, strict=True):
        prepare()
        start = perf_counter_ns()
        decide(each)
        taken[whose].append(perf_counter_ns() - start)


def welch(first: Sequence[float], second: Sequence[float]) -> float:
    """Return Welch's t of two samples of two or more; 0 if neither varies and their means are the same."""
    (mean, spread), (other, others) = map(_moments, (first, second))
    error = sqrt(spread / len(first) + others / len(second))
    if error:
        return (mean - other) / error
    return 0.0 if mean == other else copysign(inf, mean - other)


def _moments(sample: Sequence[float]) -> tuple[float, float]:
    mean = fsum(sample) / len(sample)
    return mean, fsum((each - mean) ** 2 for each in sample) / (len(sample) - 1)


def row(comparison: Comparison, first: Sequence[int], second: Sequence[int]) -> Row:
    """Return what is told of a comparison; the slowest of all its measurements do not count."""
    slowest = sorted((*first, *second))[int(KEPT * (len(first) + len(second) - 1))]
    kept = [[each for each in sample if each <= slowest] for sample in (first, second)]
    return {
        "operation": comparison.operation,
        "measurements": sum(map(len, kept)),
        "t": round(abs(welch(*kept)), 2),
        "control": comparison.control,
        "scale": comparison.scale,
        "median_ns": median([*kept[0], *kept[1]]),
    }


def told(rows: Sequence[Row]) -> str:
    """Return a table for a reader."""
    head = ("operation", "measurements", "t, absolute", "median, ns", "remarks")
    lines = []
    for each in rows:
        differs = each["t"] > FOUND
        remark = "a difference" if differs else "nothing found"
        if each["control"]:
            remark = "found, as it has to be" if differs else "NOT FOUND: this run says nothing"
        figures = f"{each['measurements']:,}", f"{each['t']:.2f}", f"{each['median_ns']:,.0f}"
        lines.append((each["operation"], *figures, remark))
    return table(head, lines)


def main() -> int:
    """Measure and tell."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--measurements", type=int, default=MEASUREMENTS, help="of each")
    arguments.add_argument("--output", type=Path, help="where the rows are left, in JSON")
    given = arguments.parse_args()
    taken = measure(comparisons, given.measurements, random.Random())
    rows = [row(each, *sample) for each, sample in zip(comparisons(), taken, strict=True)]
    if given.output is not None:
        given.output.write_text(json.dumps(rows, indent=1) + "\n")
    sys.stdout.write(told(rows))
    return int(any(each["control"] != (each["t"] > FOUND) for each in rows if not each["scale"]))


if __name__ == "__main__":
    raise SystemExit(main())
