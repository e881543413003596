"""What is under deploy/ is accepted by those that it is written for, as far as they can be asked here.

Nothing starts a service manager or an engine of containers. A linter that is not there is not passed over:
its test is skipped, and counted with that reason.
"""

import json
import re
import shutil
import stat
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from zk.cli import build
from zkservice.config import Settings
from zkservice.keys import load_admin_token, load_operator_token

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted(each.name for each in (DEPLOY / "systemd").iterdir())
SERVICES = [each for each in UNITS if each.endswith(".service")]
COMPOSE = DEPLOY / "compose.yaml"
CONTAINERFILE = DEPLOY / "container" / "Containerfile"
SYSTEM_UNITS = Path("/usr/lib/systemd/system")
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None or not SYSTEM_UNITS.is_dir(),
    reason="not run: systemd-analyze is not here (Debian's package systemd)",
)


def tool(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a linter of the environment that runs the tests."""
    program = Path(sys.executable).with_name(name)
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)


def test_the_container_file_has_no_finding() -> None:
    done = tool("hadolint", "--no-color", CONTAINERFILE)
    assert (done.returncode, done.stdout) == (0, "")


def test_a_container_file_with_a_fault_has_one(tmp_path: Path) -> None:
    faulty = tmp_path / "Containerfile"
    faulty.write_text("FROM docker.io/library/debian\nRUN cd /tmp && sudo true\n")
    done = tool("hadolint", "--no-color", faulty)
    assert done.returncode == 1
    assert {"DL3006", "DL3003", "DL3004"} <= set(re.findall(r"DL\d{4}", done.stdout))


def test_the_image_serves_as_nobody_and_by_hash() -> None:
    text = CONTAINERFILE.read_text()
    last = text[text.rindex("\nFROM ") :]
    assert "\nUSER 10001:10001\n" in last
    installs = re.findall(r"pip install [^\n]*", text)
    assert installs
    assert all("--require-hashes" in each or "--no-index" in each for each in installs)
    assert "ADD " not in text
    assert "curl" not in text


def test_the_ignore_files_are_one_and_let_in_what_the_image_copies() -> None:
    lines = (ROOT / ".containerignore").read_text().splitlines()
    assert (ROOT / ".dockerignore").read_text().splitlines() == lines
    assert "*" in lines
    named = [each[1:] for each in lines if each.startswith("!")]
    assert [each for each in named if not (ROOT / each).exists()] == []
    for copied in re.findall(r"(?m)^COPY (?!--from)(\S+) ", CONTAINERFILE.read_text()):
        assert copied == "." or copied in named


def compose_faults(text: str) -> list[str]:
    """Return what the schema of compose files has against one; it comes with check-jsonschema."""
    schema = files("check_jsonschema.builtin_schemas") / "vendor" / "compose-spec.json"
    found = Draft202012Validator(json.loads(schema.read_text())).iter_errors(yaml.safe_load(text))
    return [each.message for each in found]


def test_the_compose_file_is_of_its_schema() -> None:
    text = COMPOSE.read_text()
    assert compose_faults(text) == []
    assert compose_faults(text.replace("read_only: true", "read_only: 7"))
    assert compose_faults(text.replace("healthcheck:", "healthchecks:"))


def test_the_compose_file_names_only_what_it_defines() -> None:
    content = yaml.safe_load(COMPOSE.read_text())
    services = content["services"]
    for name, service in services.items():
        assert set(service.get("secrets", [])) <= set(content["secrets"]), name
        assert set(service.get("networks", [])) <= set(content["networks"]), name
        assert set(service.get("depends_on", {})) <= set(services), name
        assert {each.split(":")[0] for each in service["volumes"]} <= set(content["volumes"]), name
        assert {each["source"] for each in service.get("configs", [])} <= set(content["configs"]), name
        assert "no-new-privileges:true" in service["security_opt"], name
        if name != "database":
            assert (service["user"], service["read_only"], service["cap_drop"]) == (
                "10001:10001",
                True,
                ["ALL"],
            )


def test_the_compose_file_sets_settings_that_there_are_and_no_secret() -> None:
    content = yaml.safe_load(COMPOSE.read_text())
    for name in ("server-a", "server-b"):
        given = content["services"][name]["environment"]
        assert {each.removeprefix("ZK_").lower() for each in given} - set(Settings.model_fields) == {
            "health_root"
        }
        assert (given["ZK_ACCEPT_SECRETS"], given["ZK_DEMAND_CHALLENGE"]) == ("false", "true")
        url = given["ZK_DATABASE"]
        assert "sslmode=verify-full" in url
        assert "password" not in url
        assert not re.search(r"\s|:[^/@]*@", url.partition("//")[2])


def test_what_the_walk_sets_up_takes_no_secrets_and_demands_challenges() -> None:
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    assert "\naccept_secrets = false\ndemand_challenge = true\n" in text


@pytest.mark.parametrize(
    "before", [[], ["admin.token"], ["keys", "admin.token", "operator.token"]], ids=["new", "older", "again"]
)
def test_the_second_server_gets_what_servers_share(tmp_path: Path, before: list[str]) -> None:
    """The step's own command, run over two folders: a token of one server must be good at the other."""
    first, second = tmp_path / "first", tmp_path / "second"
    second.mkdir()
    (first / "keys").mkdir(parents=True)
    (first / "keys" / "master.key").write_text("first")
    for loaded in (load_admin_token, load_operator_token):
        loaded(first)
        loaded(second)  # what a server that was not given any has made
    for path in second.iterdir():
        if path.name not in before:
            path.unlink()
    if "keys" in before:
        shutil.copytree(first / "keys", second / "keys")
    command = yaml.safe_load(COMPOSE.read_text())["services"]["keys"]["entrypoint"]
    places = {"/var/lib/zk": str(first), "/to": str(second)}
    own = [re.sub("/var/lib/zk|/to(?=[ /;]|$)", lambda found: places[found[0]], each) for each in command]
    for _ in range(2):
        subprocess.run(own, check=True, timeout=60)
        assert load_admin_token(second) == load_admin_token(first)
        assert load_operator_token(second) == load_operator_token(first)
        assert sorted(each.name for each in second.rglob("*")) == sorted(
            each.name for each in first.rglob("*")
        )


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that looks like a machine with our units and programs, for systemd-analyze."""
    root = tmp_path_factory.mktemp("machine")
    shutil.copytree(SYSTEM_UNITS, root / SYSTEM_UNITS.relative_to("/"), symlinks=True)
    (root / "lib").symlink_to("usr/lib")
    shutil.copytree(DEPLOY / "systemd", root / "etc" / "systemd" / "system", dirs_exist_ok=True)
    for program in ("opt/zk/bin/zk", "bin/sh", "usr/bin/find"):
        (root / program).parent.mkdir(parents=True, exist_ok=True)
        (root / program).write_text("#!/bin/sh\n")
        (root / program).chmod(0o755)
    return root


def verified(machine: Path, unit: str) -> subprocess.CompletedProcess[str]:
    name = unit.replace("@.", "@a.")
    return subprocess.run(
        ["systemd-analyze", "verify", "--man=no", f"--root={machine}", name],
        cwd=machine / "etc" / "systemd" / "system", capture_output=True, text=True, check=False,
    )  # fmt: skip


@needs_systemd
@pytest.mark.parametrize("unit", UNITS)
def test_systemd_takes_the_unit(machine: Path, unit: str) -> None:
    done = verified(machine, unit)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@needs_systemd
def test_systemd_refuses_a_unit_with_faults(machine: Path) -> None:
    text = (DEPLOY / "systemd" / "zk-server@.service").read_text()
    faulty = machine / "etc" / "systemd" / "system" / "faulty@.service"
    faulty.write_text(text.replace("NoNewPrivileges", "NoPrivileges").replace("/opt/zk/bin/zk", "/opt/none"))
    done = verified(machine, "faulty@.service")
    faulty.unlink()
    assert done.returncode != 0
    assert "NoPrivileges" in done.stderr
    assert "/opt/none" in done.stderr


@needs_systemd
@pytest.mark.parametrize("unit", SERVICES)
def test_a_service_is_closed_to_the_machine(unit: str) -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=20", f"./{unit}"],
        cwd=DEPLOY / "systemd", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


@needs_systemd
def test_a_service_that_is_not_closed_is_told(tmp_path: Path) -> None:
    (tmp_path / "open.service").write_text("[Service]\nExecStart=/bin/sh\n")
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=20", "./open.service"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0


def test_the_units_call_commands_that_there_are() -> None:
    called = 0
    for unit in SERVICES:
        for line in re.findall(r"/opt/zk/bin/zk ([^\n]*)", (DEPLOY / "systemd" / unit).read_text()):
            command: Any = build("en")
            words = line.split(" -")[0].split()
            while words and hasattr(command, "commands"):
                command = command.commands[words.pop(0)]
            options = {option for each in command.params for option in each.opts}
            # What the shell of the backup's unit does is no option of ours.
            assert set(re.findall(r"(?<= )--[a-z-]+", line)) <= options, unit
            called += 1
    assert called == len(SERVICES)


def test_no_file_of_deploy_can_be_written_by_others_or_holds_a_key() -> None:
    for each in DEPLOY.rglob("*"):
        if each.is_file():
            assert not each.stat().st_mode & stat.S_IWOTH
            assert "PRIVATE KEY" not in each.read_text()
