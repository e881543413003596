"""Pushing files of records by the command: misfits told, SIGINT, resume, and exactly one credential each."""

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import VALUES, Home, refused, register_issuers, start
from verifier import strict_yaml
from zk.exits import Exit
from zk.local_server import running_server

ITEM = "residence_permit@1"


@pytest.fixture(scope="module")
def police(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("push")
    with running_server(folder / "data", folder / "server.log", log_level="error") as server:
        home = Home(folder / "home", server).trusting()
        register_issuers(home)
        yield home


def line(name: str, **changes: str) -> dict[str, Any]:
    values: Any = strict_yaml.load(VALUES / "residence_permit.yaml", text_only=True)
    return {"record_id": name, "values": values | changes}


def written(path: Path, *lines: Any) -> Path:
    path.write_text("".join(f"{json.dumps(each)}\n" for each in lines), "utf-8")
    return path


def push(home: Home, file: Path, *more: object, code: int = 0) -> dict[str, Any]:
    return home.json("issuer", "push", file, "--schema", ITEM, *more, code=code)


def test_a_file_is_pushed_and_its_misfits_are_told(police: Home, tmp_path: Path) -> None:
    lines = [line("a-1"), line("a-2", district="1"), {"values": {}}, 7, line("a-3", number="ab"), line("a-4")]
    told = push(police, written(tmp_path / "a.jsonl", *lines), code=Exit.REFUSED)
    assert (told["issued"], told["done"], told["misfit"], told["rejected"]) == (2, 4, 4, 0)
    assert [(each["row"], each["field"]) for each in told["misfits"]] == [
        (2, "district"), (3, "record_id"), (4, ""), (5, "number"),
    ]  # fmt: skip
    again = push(police, written(tmp_path / "b.jsonl", *lines[:1]))
    assert (again["unchanged"], again["issued"]) == (1, 0)
    once_more = police.zk("issuer", "push", tmp_path / "b.jsonl", "--schema", ITEM).out
    assert f"zk issuer record {ITEM} RECORD" in once_more
    assert police.json("issuer", "record", ITEM, "a-1")["link"]


def test_a_csv_is_a_file_of_records_too(police: Home, tmp_path: Path) -> None:
    row = line("c-1")["values"]
    path = tmp_path / "c.csv"
    path.write_text(f"record_id,{','.join(row)}\nc-1,{','.join(row.values())}\nc-2\n", "utf-8")
    told = push(police, path, code=Exit.REFUSED)
    assert (told["issued"], told["misfit"]) == (1, 1)
    state = police.json("issuer", "record", ITEM, "c-1")
    assert state["state"] == "offered"
    assert state["offer"].removeprefix("offers/") in state["link"]


def test_a_complete_file_withdraws_what_it_does_not_have(police: Home, tmp_path: Path) -> None:
    push(police, written(tmp_path / "a.jsonl", *(line(f"d-{each}") for each in range(4))))
    told = push(police, written(tmp_path / "b.jsonl", line("d-0")), "--complete")
    assert told["withdrawn"] >= 3
    gone = police.zk("issuer", "record", ITEM, "d-1", "--json")
    refused(gone, Exit.REFUSED, "NOT_FOUND")
    assert police.json("issuer", "withdraw", ITEM, "d-0", "d-9")["withdrawn"] == 1


def test_interrupted_it_goes_on_and_makes_no_second_credential(police: Home, tmp_path: Path) -> None:
    count = 20_000
    file = written(tmp_path / "many.jsonl", *(line(f"m-{each}") for each in range(count)))
    process = start("issuer", "push", file, "--schema", ITEM, "--home", police.path)
    kept = police.path / "pushes" / "public-security" / "residence_permit.json"
    while not kept.exists():
        time.sleep(0.02)
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == Exit.INTERRUPTED, err
    assert "--resume" in err
    assert "Traceback" not in err
    other = written(tmp_path / "other.jsonl", line("m-0"))
    changed = police.zk("issuer", "push", other, "--schema", ITEM, "--resume", "--json")
    refused(changed, Exit.USAGE, "PUSH_FILE_CHANGED")
    told = push(police, file, "--resume")
    assert (told["done"], told["issued"], told["unchanged"]) == (count, count, 0)
    assert not kept.exists()
    refused(
        police.zk("issuer", "push", file, "--schema", ITEM, "--resume", "--json"), Exit.USAGE, "PUSH_NOT_HERE"
    )
