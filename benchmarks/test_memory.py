"""Memory of generators and their tables, and what the first use costs. Each figure is of a fresh process.

pytest benchmarks/test_memory.py
"""

import json
import subprocess
import sys

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.conftest import Measure

COUNTS = (1, 10, 30, 100, 1000)

_MEMORY = """
import gc, json, sys
from pathlib import Path
from bbs import SHA_256
from bbs.generators import create_generators
from zk.bench.cases import Case

def held():
    gc.collect()
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024

count = int(sys.argv[1])
Case(SHA_256, 0, 0).verify()
before = held()
create_generators(count + 1, SHA_256.api_id, suite=SHA_256)
generators = held()
case = Case(SHA_256, count, min(3, count))
case.verify()
public = held()
case.proof_verify()
figures = {"generators": generators - before, "tables": public - generators, "secret_tables": held() - public}
print(json.dumps(figures))
"""
_CASE = "from bbs import SHA_256; from zk.bench.cases import Case; Case(SHA_256, 10, 3)"
_STEPS = {
    "nothing": "pass",
    "import bbs": "import bbs",
    "first signature": f"{_CASE}.sign()",
    "first proof verified": f"{_CASE}.proof_verify()",
    "import of the service": "import zkservice.server",
    "the zk command": "import sys; sys.argv[1:] = ['--help']; from zk.cli import main; main()",
}


def fresh(code: str, *arguments: str) -> str:
    """Run code in a process of its own and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout


@pytest.mark.parametrize("count", COUNTS)
def test_memory(measure: Measure, benchmark: BenchmarkFixture, count: int) -> None:
    """Resident octets for L messages: generators, tables for public scalars, tables for secret ones."""
    held: list[dict[str, int]] = []
    measure(lambda: held.append(json.loads(fresh(_MEMORY, str(count)))), most=5, operation="memory", L=count)
    least = min(held, key=lambda each: sum(each.values()))
    benchmark.extra_info.update(least)


@pytest.mark.parametrize("step", _STEPS)
def test_start(measure: Measure, step: str) -> None:
    measure(lambda: fresh(_STEPS[step]), most=10, operation="start", step=step)
