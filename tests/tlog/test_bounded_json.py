"""JSON of others: what is nested deeply is refused, and the process lives whatever its limit of recursion."""

import json
import subprocess
import sys

import pytest

from tlog.bounded_json import MAX_DEPTH, depth, loads

DEEP = 200_000


@pytest.mark.parametrize(
    "data", ["{}", '{"a": [1, {"b": null}]}', '"[[[["', '["\\"[", {"[": "]"}]', "[" * 64 + "]" * 64]
)
def test_what_is_no_deeper_than_anybody_nests_is_read(data: str) -> None:
    assert loads(data) == loads(data.encode()) == json.loads(data)


@pytest.mark.parametrize(
    "data",
    [
        "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1),
        "[" * DEEP,
        '{"a":' * DEEP,
        '["\\""' + ",[" * DEEP,
        '"a" [' + "[" * DEEP,
    ],
)
def test_what_is_deeper_is_refused(data: str) -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        loads(data)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[1", b'"[[', b"]]]]"])
def test_what_is_no_json_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011, of several kinds
        loads(data)


def test_strings_that_do_not_end_take_no_longer_than_others() -> None:
    assert depth('"' + "\\" * 1_000_000) == 0
    assert depth('"\\' * 300_000 + "[") <= 1


def test_hooks_are_those_of_json() -> None:
    assert loads('{"a": 1, "a": 2}', object_pairs_hook=list) == [("a", 1), ("a", 2)]

    def refuse(_: str) -> None:
        raise KeyError

    with pytest.raises(KeyError):
        loads("[NaN]", parse_constant=refuse)


def test_a_process_with_a_raised_limit_lives() -> None:
    """json alone ends it: this is what the depth is looked at for."""
    code = (
        "import sys; sys.setrecursionlimit(10**9)\n"
        "from {} import loads\n"
        "try: loads('[' * 10**6)\n"
        "except ValueError: print('refused')"
    )
    ended = {
        module: subprocess.run(
            [sys.executable, "-c", code.format(module)], capture_output=True, check=False, timeout=60
        )
        for module in ("json", "tlog.bounded_json")
    }
    assert ended["json"].returncode < 0, "this interpreter needs no help any more"
    assert ended["tlog.bounded_json"].stdout.strip() == b"refused"
