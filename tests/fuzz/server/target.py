"""A fuzz target for atheris: programs for a real server in this process, mutated by what the contract says.

`scripts/fuzz.sh` runs it after the decoders. The corpus begins with what is kept and grows in
`build/fuzz/server`; a finding is left in `build/fuzz` as the program that made it, one line of JSON.
"""

import asyncio
import importlib
import sys
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Any, Final

atheris: Any = importlib.import_module("atheris")

with atheris.instrument_imports(include=["disclosure", "tlog", "wire", "zkservice"]):
    from tests.fuzz.server.kept import kept
    from tests.fuzz.server.mutating import Mutator
    from tests.fuzz.server.programs import Call, Program, ProgramError
    from tests.fuzz.server.world import World, world

FOLDER: Final = Path("build/fuzz/server")
_ALIVE_EACH: Final = 500
_MEMORY: Final = Path("/dev/shm")  # a server of tests need not outlive the machine


class Server:
    """A server that is replaced by a new one when it has seen much."""

    def __init__(self) -> None:
        self._loop, self._stack = asyncio.new_event_loop(), AsyncExitStack()
        self._world, self._runs = self._loop.run_until_complete(self._started()), 0

    @property
    def world(self) -> World:
        """The world of now."""
        return self._world

    def run(self, program: Program) -> None:
        """Run a program; now and then ask whether it lives."""
        self._loop.run_until_complete(self._run(program))

    async def _run(self, program: Program) -> None:
        await self._world.run(program, fresh=False)
        self._runs += 1
        if self._runs % _ALIVE_EACH == 0 or self._world.is_old:
            await self._world.check_alive()
        if self._world.is_old:
            await self._stack.aclose()
            self._stack = AsyncExitStack()
            self._world = await self._started()

    async def _started(self) -> World:
        where = _MEMORY if _MEMORY.is_dir() else None
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(dir=where))
        return await self._stack.enter_async_context(world(Path(folder)))


def _mutated(mutator: Callable[[int], Mutator]) -> Callable[[bytes, int, int], bytes]:
    def mutate(octets: bytes, most: int, seed: int) -> bytes:
        drawn = mutator(seed)
        try:
            made = drawn.mutated(Program.from_bytes(octets))
        except ProgramError:
            made = drawn.program()
        written = made.to_bytes()
        return written if len(written) <= most else octets

    return mutate


def _crossed(mutator: Callable[[int], Mutator]) -> Callable[[bytes, bytes, int, int], bytes]:
    def cross(one: bytes, other: bytes, most: int, seed: int) -> bytes:
        try:
            crossed = mutator(seed).crossed(Program.from_bytes(one), Program.from_bytes(other)).to_bytes()
        except ProgramError:
            return one
        return crossed if len(crossed) <= most else one

    return cross


def begin(methods: list[str]) -> None:
    """Write the kept programs, and one of each method, as a corpus for atheris."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    programs = [*kept(), *(Program((Call(each),)) for each in methods)]
    for number, each in enumerate(programs):
        (FOLDER / f"kept-{number}").write_bytes(each.to_bytes())


def main() -> None:
    """Fuzz until the time of the arguments is over."""
    server = Server()
    one_mutator = Mutator(server.world.contract, Random())

    def mutator(seed: int) -> Mutator:
        one_mutator.random.seed(seed)
        return one_mutator

    def one(octets: bytes) -> None:
        try:
            program = Program.from_bytes(octets)
        except ProgramError:
            return
        server.run(program)

    begin(server.world.contract.methods)
    arguments = [*sys.argv, str(FOLDER)] if all(each.startswith("-") for each in sys.argv[1:]) else sys.argv
    atheris.Setup(arguments, one, custom_mutator=_mutated(mutator), custom_crossover=_crossed(mutator))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
