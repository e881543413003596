"""What is installed comes from where it should, may be used, and is on the bill."""

import json
import re
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts import licences, runtime_lock, supply

ROOT = Path(__file__).resolve().parents[2]
HASH = "    --hash=sha256:" + "0" * 64 + "\n"
GOOD = f"anyio==1.0 \\\n{HASH}    # via httpx\n"


def test_the_cut_locks_are_what_the_lock_says() -> None:
    for path, content in runtime_lock.files().items():
        assert path.read_text(encoding="utf-8") == content, "python -m scripts.runtime_lock"


def test_what_is_installed_is_what_the_packages_themselves_ask_for() -> None:
    """By the installed packages' own words, not by the lock's."""
    todo = [Requirement(each) for each in _project()["dependencies"]]
    todo += [Requirement(each) for each in _project()["optional-dependencies"]["postgres"]]
    found: dict[str, set[str]] = {}
    elsewhere = set[str]()
    while todo:
        asked = todo.pop()
        extras = found.setdefault(canonicalize_name(asked.name), set())
        if extras >= asked.extras and extras:
            continue
        extras |= asked.extras | {""}
        for each in map(Requirement, metadata.requires(asked.name) or []):
            if each.marker is None or any(each.marker.evaluate({"extra": one}) for one in extras):
                todo.append(each)
            else:
                elsewhere.add(canonicalize_name(each.name))
    locked = runtime_lock.runtime(runtime_lock.read(runtime_lock.LOCK.read_text()))
    needed = {each.name for each in locked if each.needed_here}
    assert set(found) <= needed
    # What is asked for on other systems alone the lock has without its marker where a tool asks for it here.
    assert needed - set(found) <= elsewhere


def test_no_tool_of_the_development_is_installed() -> None:
    names = {each.name for each in runtime_lock.runtime(runtime_lock.read(runtime_lock.LOCK.read_text()))}
    tools = {canonicalize_name(Requirement(each).name) for each in _project()["optional-dependencies"]["dev"]}
    assert names & tools == {"psycopg"}  # which is what is tested, too


def test_the_locks_and_crates_have_no_fault() -> None:
    assert list(supply._sources()) == []


@pytest.mark.parametrize(
    "text",
    [
        "anyio @ https://example.org/anyio.whl\n",
        "git+https://example.org/anyio\n",
        "--index-url https://example.org/simple\n" + GOOD,
        "--extra-index-url https://example.org/simple\n" + GOOD,
        "-e .\n" + GOOD,
        "./anyio-1.0.whl\n",
        "anyio>=1.0 \\\n" + HASH,
        "anyio==1.0\n    # via httpx\n",
        "anyio==1.0 \\\n    --hash=md5:00\n",
        "anyio==1.0 \\\n    --hash=sha256:00\n",
    ],
)
def test_a_lock_with_another_source_or_without_hash_is_a_finding(text: str) -> None:
    assert list(supply.lock_faults("lock", GOOD)) == []
    assert list(supply.lock_faults("lock", text))


@pytest.mark.parametrize(
    "crate",
    [
        {"name": "blst", "source": "git+https://example.org/blst", "checksum": "0" * 64},
        {"name": "blst", "source": "registry+https://example.org/index", "checksum": "0" * 64},
        {"name": "blst", "source": supply.CRATES_IO},
        {"name": "blst"},
        {"name": "zk-native", "source": "git+https://example.org/native"},
    ],
)
def test_a_crate_from_elsewhere_is_a_finding(crate: dict[str, str]) -> None:
    assert list(supply.crate_faults({"package": [crate]}))


@pytest.mark.parametrize(
    ("name", "expression", "may"),
    [
        ("a", "MIT", True),
        ("a", "MIT OR GPL-3.0-only", True),
        ("a", "MIT AND GPL-3.0-only", False),
        ("a", "(MIT OR GPL-3.0-only) AND Apache-2.0", True),
        ("a", "MIT/Apache-2.0", True),
        ("a", "Apache-2.0 WITH LLVM-exception", True),
        ("a", "GPL-3.0-or-later", False),
        ("a", "LGPL-3.0-only", False),
        ("psycopg", "LGPL-3.0-only", True),
        ("psycopg", "GPL-3.0-only", False),
        ("a", "", False),
        ("a", "something of ours", False),
        ("a", "Proprietary", False),
    ],
)
def test_a_licence_is_allowed_by_its_expression(name: str, expression: str, may: bool) -> None:
    assert licences.allowed(name, expression) is may


def test_every_installed_package_has_an_allowed_licence() -> None:
    assert list(supply._python_licences()) == []


def test_a_package_that_is_not_there_is_a_finding() -> None:
    assert list(supply.licence_faults(["no-such-package-here"])) == [
        "no-such-package-here is not installed here, so its licence is not known"
    ]


def test_the_bill_is_valid_whole_and_the_same_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    made = supply.bill()
    assert made == supply.bill()
    assert made["metadata"]["timestamp"].startswith("2001-09-09T01:46:40")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(made)) is None
    urls = {each["purl"].split("@")[0]: each for each in made["components"]}
    locked = runtime_lock.runtime(runtime_lock.read(runtime_lock.LOCK.read_text()))
    assert {f"pkg:pypi/{each.name}" for each in locked} <= set(urls)
    crates = {each["name"] for each in supply._cargo_lock()["package"]}
    assert {f"pkg:cargo/{each}" for each in crates} <= set(urls)
    assert urls["pkg:pypi/sqlalchemy"]["licenses"]
    assert len(urls["pkg:pypi/grpcio"]["hashes"]) > 10
    needs = {each["ref"].split("@")[0]: each.get("dependsOn", []) for each in made["dependencies"]}
    assert any(each.startswith("pkg:pypi/mako@") for each in needs["pkg:pypi/alembic"])


def test_a_package_that_the_database_of_advisories_does_not_tell_of_counts_as_not_asked(
    tmp_path: Path,
) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text("anyio @ https://example.org/anyio.whl\n")
    assert supply._audit(lock) is None


def _project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project


def _table(heading: str) -> dict[str, str]:
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    section = re.search(rf"(?ms)^## {heading}\n(.*?)^## ", page)
    assert section
    return dict(re.findall(r"(?m)^\| (\w[\w-]*) \| ([^|]+) \|$", section[1]))


def test_every_dependency_has_a_reason() -> None:
    rows = _table("At run time, in Python")
    rows.pop("package")
    assert sorted(rows) == runtime_lock.named()
    assert all(len(reason.strip()) > 5 for reason in rows.values())


def test_every_crate_has_a_reason() -> None:
    rows = _table("At run time, in Rust")
    rows.pop("crate")
    assert sorted(rows) == sorted(tomllib.loads((ROOT / "native" / "Cargo.toml").read_text())["dependencies"])
