"""The operations of BBS in multiples of P, in under a minute: `python benchmarks/quick_ratios.py`.

P is one pairing check of blst: two Miller loops and one final exponentiation with nothing prepared, measured
in the same process, in turns with the rows below it, so that a change of the processor's clock touches all of
them. Rows of one L take turns; L=10 and L=100 do not, since the tables of the one would be out of the caches
whenever the other comes round. One thread, suite SHA-256, the native group; each figure is a median. Keys are
SecretKey objects and verifiers have met the issuer's key before: what an issuer and a verifier pay for each
credential, not for the first one.
"""

import gc
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter

import zk_native as native

import bbs
from bbs import SHA_256, groups

ROUNDS = 400
HEADER, PH = b"header", b"nonce of the verifier"


class Case:
    """A credential of `count` messages of which some are shown."""

    def __init__(self, count: int, shown: int) -> None:
        self.key = bbs.SecretKey.generate(suite=SHA_256)
        self.pk = self.key.public_key()
        self.messages = [b"message %d" % i for i in range(count)]
        self.indexes = list(range(0, count, count // shown))[:shown]
        self.shown = [self.messages[i] for i in self.indexes]
        self.signature = bbs.sign(self.key, self.pk, HEADER, self.messages, suite=SHA_256)
        self.credential = bbs.prepare_credential(
            self.pk, self.signature, HEADER, self.messages, suite=SHA_256
        )
        self.proof = bbs.proof_gen_prepared(self.credential, PH, self.indexes)

    def sign(self) -> None:
        bbs.sign(self.key, self.pk, HEADER, self.messages, suite=SHA_256)

    def verify(self) -> None:
        bbs.verify(self.pk, self.signature, HEADER, self.messages, suite=SHA_256)

    def proof_gen(self) -> None:
        bbs.proof_gen(self.pk, self.signature, HEADER, PH, self.messages, self.indexes, suite=SHA_256)

    def prepare(self) -> None:
        bbs.prepare_credential(self.pk, self.signature, HEADER, self.messages, suite=SHA_256)

    def proof_gen_prepared(self) -> None:
        bbs.proof_gen_prepared(self.credential, PH, self.indexes)

    def proof_verify(self) -> None:
        bbs.proof_verify(self.pk, self.proof, HEADER, PH, self.shown, self.indexes, suite=SHA_256)


def unit() -> Callable[[], object]:
    """Return the pairing check that everything is divided by."""
    key = native.SecretKey.from_octets((7).to_bytes(32)).public_key()
    g1, minus_g2 = native.g1_generator(), native.g2_generator().negated()
    seven = native.msm([g1], (7).to_bytes(32), None, b"", False)
    return lambda: native.pairing_check_unprepared(g1, key, seven, minus_g2)


def medians(operations: list[Callable[[], object]], rounds: int) -> list[float]:
    """Return the median time of each, in seconds, from runs that take turns."""
    times: list[list[float]] = [[] for _ in operations]
    for _ in range(rounds):
        for operation, taken in zip(operations, times, strict=True):
            start = perf_counter()
            operation()
            taken.append(perf_counter() - start)
    return [median(taken) for taken in times]


Row = tuple[str, Callable[[], object], float | None]


def tables() -> list[list[Row]]:
    """Return the rows that take turns with each other, with the most that each may cost."""
    ten, hundred = Case(10, 3), Case(100, 10)
    return [
        [
            ("sign, L=10", ten.sign, 0.45),
            ("verify, L=10", ten.verify, 1.35),
            ("proof_gen, L=10, 3 shown, prepared", ten.proof_gen_prepared, 0.85),
            ("proof_gen, L=10, 3 shown", ten.proof_gen, None),
            ("prepare_credential, L=10", ten.prepare, None),
            ("proof_verify, L=10, 3 shown", ten.proof_verify, 1.6),
        ],
        [
            ("sign, L=100", hundred.sign, None),
            ("verify, L=100", hundred.verify, None),
            ("proof_gen, L=100, 10 shown, prepared", hundred.proof_gen_prepared, None),
            ("proof_verify, L=100, 10 shown", hundred.proof_verify, 3.5),
        ],
    ]


def main() -> int:
    """Print the rows; 1 if one is missed, 2 if there is nothing to measure."""
    if groups.default().name != "blst":
        sys.stdout.write("the native group is not installed\n")
        return 2
    missed = False
    gc.disable()
    for rows in tables():
        operations = [unit(), *(operation for _, operation, _ in rows)]
        medians(operations, 5)
        unit_time, *taken = medians(operations, ROUNDS)
        sys.stdout.write(f"P = {unit_time * 1e3:.3f} ms\n")
        for (name, _, most), time in zip(rows, taken, strict=True):
            miss = most is not None and time > most * unit_time
            verdict = "" if most is None else f"  at most {most:<5} {'MISS' if miss else 'pass'}"
            sys.stdout.write(f"{name:<38} {time * 1e3:7.3f} ms  {time / unit_time:5.2f} P{verdict}\n")
            missed |= miss
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
