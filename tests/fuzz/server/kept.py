"""The programs that are kept, a line each: together each method in each way that it was seen to end.

`python -m tests.fuzz.server.kept FOLDER` runs what a fuzzer has left in a folder, adds those to the kept ones
that end in a way of which none is kept yet, and leaves out what is longer than another of the same ways.
"""

import asyncio
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tests.fuzz.server.programs import Program, ProgramError
from tests.fuzz.server.world import world

FILE: Final = Path(__file__).with_name("kept.jsonl")
_MAX_OCTETS: Final = 3_000


def kept() -> list[Program]:
    """Return the kept programs."""
    return [Program.from_bytes(line) for line in FILE.read_bytes().splitlines()]


def ways(program: Program, outcomes: Iterable[str]) -> set[tuple[str, str]]:
    """Return which methods ended how."""
    return set(zip((each.method for each in program.calls), outcomes, strict=False))


async def _choose(found: list[Program], *, fresh: bool) -> list[Program]:
    """Return few programs that end in all ways that these do, the shortest first."""
    chosen, seen = list[Program](), set[tuple[str, str]]()
    waiting = sorted(set(found), key=lambda each: (len(each.to_bytes()), each.to_bytes()))
    while waiting:
        with tempfile.TemporaryDirectory() as folder:
            async with world(Path(folder)) as made:
                while waiting and not made.is_old:
                    program = waiting.pop(0)
                    new = ways(program, await made.run(program, fresh=fresh)) - seen
                    if new:
                        seen |= new
                        chosen.append(program)
    return chosen


async def _kept_of(found: list[Program]) -> list[Program]:
    """Choose roughly first: making anew what each program uses up takes longer than running it."""
    return await _choose(await _choose(found, fresh=False), fresh=True)


def read(folder: Path) -> list[Program]:
    """Return the programs of a folder; what is none is left out."""
    found = []
    for path in sorted(folder.iterdir()):
        octets = path.read_bytes()
        try:
            if len(octets) <= _MAX_OCTETS:
                found.append(Program.from_bytes(octets))
        except ProgramError:
            continue
    return found


if __name__ == "__main__":
    lines = [each.to_bytes() for each in asyncio.run(_kept_of([*kept(), *read(Path(sys.argv[1]))]))]
    FILE.write_bytes(b"".join(line + b"\n" for line in sorted(lines)))
