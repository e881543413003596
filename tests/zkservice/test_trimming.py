"""When freed memory is given back to the system, and that it is."""

import itertools
import subprocess
import sys

import pytest

from zkservice.trimming import MOST_LOOKS, WORTH, Trimming, trimmer


class Process:
    """A process whose size a test sets; trimming gives back what is free."""

    def __init__(self, size: int) -> None:
        self.size, self.free, self.trimmed = size, 0, 0

    def state(self) -> Trimming:
        return Trimming(self.trim, lambda: self.size)

    def trim(self) -> None:
        self.trimmed += 1
        self.size, self.free = self.size - self.free, 0


def test_a_process_that_is_not_much_larger_is_left_alone() -> None:
    process = Process(100 << 20)
    state = process.state()
    for _ in range(10):
        process.size += WORTH // 11
        assert not state.look()
    assert process.trimmed == 0


def test_what_was_freed_is_given_back_at_the_next_look() -> None:
    process = Process(100 << 20)
    state = process.state()
    process.size, process.free = 500 << 20, 390 << 20
    assert state.look()
    assert process.size == 110 << 20
    assert not state.look()
    assert process.trimmed == 1


def test_what_is_in_use_is_looked_through_ever_more_rarely() -> None:
    process = Process(100 << 20)
    state = process.state()
    process.size = 400 << 20
    looked = [number for number in range(2000) if state.look()]
    gaps = [after - before for before, after in itertools.pairwise(looked)]
    assert looked[0] == 0
    assert gaps == sorted(gaps)
    assert gaps[-1] == MOST_LOOKS + 1
    assert len(looked) < 25


@pytest.mark.parametrize("later", [0, 3, 500])
def test_a_flood_is_cleared_up_after_however_long_it_was(later: int) -> None:
    """While it goes on nothing is free; whatever it frees afterwards is found, and growth is seen at once."""
    process = Process(100 << 20)
    state = process.state()
    process.size = 400 << 20
    for _ in range(later):
        state.look()
    process.free = 290 << 20
    assert any(state.look() for _ in range(MOST_LOOKS + 1))
    assert process.size == 110 << 20
    process.size, process.free = 300 << 20, 150 << 20
    assert state.look()


MEASURED = """
import gc
from zkservice.trimming import Trimming, resident, trimmer
state = Trimming(trimmer())
held = [bytearray(900) for _ in range(200_000)]
large = resident()
kept = held[::100]
del held
gc.collect()
assert state.look()
print((large - resident()) >> 20)
"""


def test_the_system_has_it_back() -> None:
    """A process that has freed most of 180 MiB, with something left on many pages."""
    if trimmer() is None:
        pytest.skip("the C library has no malloc_trim")
    done = subprocess.run([sys.executable, "-c", MEASURED], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 64
