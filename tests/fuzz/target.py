"""A fuzz target for atheris: the first two octets say which decoder, the rest is what it is given.

What a decoder does beyond taking or refusing is a finding. `scripts/fuzz.sh` runs it; its corpus begins
with the kept inputs and grows in `build/fuzz`, where a finding is left too.
"""

import importlib
import sys
from pathlib import Path
from typing import Any, Final

atheris: Any = importlib.import_module("atheris")

with atheris.instrument_imports(
    include=["bbs", "disclosure", "tlog", "wire", "verifier", "prover", "openid", "zkservice"]
):
    from tests.fuzz import corpus
    from tests.fuzz.finding import decoders
    from tests.fuzz.judging import outcome

ALL: Final = decoders()
SEEDS: Final = [corpus.seeds(each) for each in ALL]


def numbered(number: int, octets: bytes) -> bytes:
    """Return an input for a decoder by its number."""
    return number.to_bytes(2) + octets


def one(octets: bytes) -> None:
    """Run one input."""
    if len(octets) >= 2:
        number = int.from_bytes(octets[:2]) % len(ALL)
        outcome(ALL[number], octets[2:], SEEDS[number][0])


def begin(folder: Path) -> None:
    """Write the kept inputs as a corpus for atheris."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, (decoder, seeds) in enumerate(zip(ALL, SEEDS, strict=True)):
        for count, seed in enumerate(seeds):
            (folder / f"{decoder.name}-{count}").write_bytes(numbered(number, seed.octets))


if __name__ == "__main__":
    begin(Path("build/fuzz/decoders"))
    atheris.Setup([*sys.argv, "build/fuzz/decoders"], one)
    atheris.Fuzz()
