"""A log goes over to another key, as its operator does it, and as those who pinned the old one follow."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import tlog
from tests.cli.city import POLICIES, answered
from tests.cli.running import Done, Home, refused, register_issuers, zk
from tlog.note import parse_unverified
from zk.exits import Exit
from zk.home import Home as ZkHome
from zk.local_server import running_server


@dataclass
class Rotating:
    """A server's folder, and the homes of those who pinned the log's first key."""

    folder: Path
    homes: dict[str, Home]

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Run the server; the homes are told where it listens now, and nothing else."""
        with running_server(self.folder / "data", self.folder / "server.log") as server:
            for name, each in self.homes.items():
                self.homes[name] = moved = replace(each, server=server)
                profile = moved.path / "profile.toml"
                lines = [line for line in _lines(profile) if not line.startswith("server = ")]
                profile.write_text("".join([f'server = "{server.address}"\n', *lines]))
            yield

    def rotate(self, *more: object) -> Done:
        return zk("ledger", "rotate-key", "--data", self.folder / "data", "--json", *more)

    def use(self) -> Path:
        """Let the holder answer the school; return the school's record."""
        said, done = answered(self.homes["school"], "school", self.homes["holder"])
        assert said.code == 0, said
        assert done.code == 0, done
        return Path(done.json["record"])

    def pinned(self, name: str) -> str:
        (line,) = (
            each for each in _lines(self.homes[name].path / "profile.toml") if each.startswith("log_key")
        )
        return line.split('"')[1]


Rotated = tuple[Rotating, dict[str, Any]]


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines(keepends=True)


@pytest.fixture(scope="module")
def rotated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rotated]:
    """Before, meanwhile, after: the holder uses a credential each time, and `early` follows meanwhile."""
    folder, found = tmp_path_factory.mktemp("rotating"), dict[str, Any]()
    town = Rotating(folder, {})
    with running_server(folder / "data", folder / "server.log") as server:
        for name in ("issuer", "school", "holder", "early", "late", "offline", "seen"):
            town.homes[name] = Home(folder / name, server).trusting()
        register_issuers(town.homes["issuer"])
        school, holder = town.homes["school"], town.homes["holder"]
        names = ["--name-zh", "第七小学", "--name-en", "School 7"]
        school.json("verifier", "register", "school-7", *names, env=school.admin)
        school.json("verifier", "policy", "register", POLICIES / "school.yaml", env=school.admin)
        holder.json("vault", "create")
        for item in ("residence_permit", "social_insurance"):
            holder.json("vault", "claim", town.homes["issuer"].issue(item))
        found["before"] = town.use()
        found["read"] = holder.json("vault", "recover")
        found["seen"] = town.homes["seen"].json("ledger", "checkpoint")
    found["begun"] = town.rotate().json
    found["too_early"] = town.rotate("--finish")
    with town.serving():
        found["meanwhile"] = town.use()
        found["early"] = town.homes["early"].json("ledger", "trust", "--follow")
        found["early_checkpoint"] = town.homes["early"].json("ledger", "checkpoint")
        found["late_checkpoint"] = town.homes["late"].json("ledger", "checkpoint")
    found["finished"] = town.rotate("--finish").json
    with town.serving():
        yield town, found


def test_the_operator_is_told_both_keys_and_the_turn_of_each_step(rotated: Rotated) -> None:
    town, found = rotated
    begun, finished = found["begun"], found["finished"]
    assert (begun["rotation"], finished["rotation"]) == ("begun", "finished")
    assert (begun["old_key"], begun["new_key"]) == (finished["old_key"], finished["new_key"])
    assert (town.folder / "data" / "log.vkey").read_text().strip() == begun["new_key"]
    refused(found["too_early"], Exit.REFUSED, "CHANGE_NOT_RECORDED")
    refused(town.rotate(), Exit.NOT_STARTED, "NOT_STARTED")
    refused(
        zk("ledger", "rotate-key", "--data", town.folder / "none", "--json"), Exit.REFUSED, "LOG_NOT_BEGUN"
    )


def test_meanwhile_both_pins_hold(rotated: Rotated) -> None:
    _, found = rotated
    assert found["late_checkpoint"]["log_key"] == found["begun"]["old_key"]
    assert found["early_checkpoint"]["log_key"] == found["early"]["log_key"] == found["begun"]["new_key"]


def test_the_old_pin_is_refused_by_a_sentence_that_says_how_to_follow(
    rotated: Rotated,
) -> None:
    town, _ = rotated
    late = town.homes["late"]
    done = refused(late.zk("ledger", "checkpoint", "--json"), Exit.KEY_NOT_TRUSTED, "LOG_KEY_CHANGED")
    assert "zk ledger trust --follow" in done.err
    chinese = late.zk("ledger", "checkpoint", "--lang", "zh")
    assert "zk ledger trust --follow" in chinese.err


def test_a_home_follows_and_what_it_kept_still_holds(rotated: Rotated) -> None:
    town, found = rotated
    old, new = found["begun"]["old_key"], found["begun"]["new_key"]
    for name in ("school", "holder", "seen"):
        moved = town.homes[name].json("ledger", "trust", "--follow")
        assert moved == {"log_key": new, "before": old, "followed": True}
        assert town.pinned(name) == new
        again = town.homes[name].json("ledger", "trust", "--follow")
        assert again == {"log_key": new, "before": new, "followed": False}
    after = town.use()
    for record, key in ((found["before"], old), (found["meanwhile"], new), (after, new)):
        checked = town.homes["school"].json("verifier", "check", record)
        assert (checked["log_key"], checked["key_pinned"]) == (key, True)
    late = town.homes["late"].zk("verifier", "check", after, "--json")
    assert "zk ledger trust --follow" in refused(late, Exit.NOT_VERIFIED, "NOTE_UNSIGNED").err
    history = town.homes["holder"].json("vault", "history")
    assert [each["holds"] for each in history["usages"]] == [True, True, True]
    read = town.homes["holder"].json("vault", "recover")
    assert (found["read"]["uses"], read["uses"], read["copies"]) == (1, 3, 0), "it reads on from where it was"
    assert read["entries"] > found["read"]["entries"]
    seen = town.homes["seen"].json("ledger", "checkpoint")
    assert seen["consistent_with"] == found["seen"]["size"], (
        "what was seen under the old key still binds the log"
    )


def test_a_home_follows_offline_by_a_file(rotated: Rotated, tmp_path: Path) -> None:
    town, found = rotated
    offline, file = town.homes["offline"], tmp_path / "change.proof"
    written = offline.json("ledger", "key-proof", file)
    assert (written["old_key"], written["new_key"]) == (found["begun"]["old_key"], found["begun"]["new_key"])
    forged = tmp_path / "forged.proof"
    forged.write_bytes(file.read_bytes().replace(b"index ", b"index 1", 1))
    refused(
        offline.zk("ledger", "trust", "--follow", forged, "--json"), Exit.NOT_VERIFIED, "INCLUSION_INVALID"
    )
    forged.write_bytes(_signed_by_new_only(file.read_bytes(), written["old_key"]))
    refused(offline.zk("ledger", "trust", "--follow", forged, "--json"), Exit.NOT_VERIFIED, "NOTE_UNSIGNED")
    assert town.pinned("offline") == written["old_key"]
    moved = offline.json("ledger", "trust", "--follow", file)
    assert moved["followed"]
    assert town.pinned("offline") == written["new_key"]
    again = offline.zk("ledger", "trust", "--follow", file, "--json")
    refused(again, Exit.NOT_VERIFIED, "LOG_KEY_NOT_FOLLOWED")


def _signed_by_new_only(proof: bytes, old: str) -> bytes:
    key = tlog.Verifier.from_string(old)
    kept, file = list[bytes](), tlog.ProofFile.parse(proof)
    text, _, lines = file.checkpoint.rpartition(b"\n\n")
    for line in parse_unverified(file.checkpoint).lines:
        if not line.is_by(key):
            kept.append(line.to_bytes())
    assert len(kept) == lines.count(b"\n") - 1
    return replace(file, checkpoint=text + b"\n\n" + b"".join(kept)).to_bytes()


def test_a_home_that_pinned_another_log_is_moved_nowhere(rotated: Rotated, tmp_path: Path) -> None:
    town, found = rotated
    stranger = Home(tmp_path / "stranger", town.homes["late"].server)
    way = ["--server", stranger.server.address, "--root", stranger.server.root]
    refused(
        stranger.zk("ledger", "trust", "--follow", *way, "--json"), Exit.KEY_NOT_TRUSTED, "LOG_KEY_UNKNOWN"
    )
    refused(stranger.zk("ledger", "trust", "--json"), Exit.USAGE, "LOG_KEY_MISSING")
    other = tlog.Signer.generate(tlog.Verifier.from_string(found["begun"]["new_key"]).name).verifier
    stranger.json("ledger", "trust", str(other), *way)
    refused(
        stranger.zk("ledger", "trust", "--follow", "--json"), Exit.KEY_NOT_TRUSTED, "LOG_KEY_NOT_FOLLOWED"
    )
    refused(
        stranger.zk("ledger", "key-proof", tmp_path / "x", "--json"),
        Exit.KEY_NOT_TRUSTED,
        "LOG_KEY_NOT_FOLLOWED",
    )


def test_the_record_is_shown_for_what_it_is(rotated: Rotated) -> None:
    town, found = rotated
    home = town.homes["early"]
    size = home.json("ledger", "checkpoint")["size"]
    entries = [home.json("ledger", "show", at)["entry"] for at in range(size)]
    records = [each for each in entries if each.get("record") == "log-key"]
    assert [(each["old_log_key"], each["new_log_key"]) for each in records] == [
        (found["begun"]["old_key"], found["begun"]["new_key"])
    ]


def test_each_command_that_fails_by_the_old_pin_names_the_way_out(rotated: Rotated, tmp_path: Path) -> None:
    town, found = rotated
    late, file = town.homes["late"], tmp_path / "new.ledger"
    assert town.homes["early"].json("ledger", "export", file)["log_key"] == found["begun"]["new_key"]
    late.json("vault", "create")
    told = {
        ("ledger", "checkpoint"): "LOG_KEY_CHANGED",
        ("ledger", "show", 0): "LOG_KEY_CHANGED",
        ("ledger", "export", tmp_path / "late.ledger"): "LOG_KEY_CHANGED",
        ("ledger", "trust", found["begun"]["new_key"]): "LOG_KEY_CHANGED",
        ("ledger", "verify", file): "LOG_KEY_CHANGED",
        ("ledger", "verify", file, "--key", found["begun"]["old_key"]): "LOG_KEY_CHANGED",
        ("vault", "recover"): "NOTE_UNSIGNED",
    }
    for command, reason in told.items():
        for lang in ("en", "zh"):
            done = late.zk(*command, "--lang", lang)
            assert done.code in (Exit.KEY_NOT_TRUSTED, Exit.NOT_VERIFIED), (command, done)
            assert reason in done.err
            assert "zk ledger trust --follow" in done.err
    assert town.pinned("late") == found["begun"]["old_key"]


def test_nobody_is_asked_by_whoever_could_not_verify_the_answer(rotated: Rotated) -> None:
    town, _ = rotated
    school, late = (ZkHome(town.homes[name].path) for name in ("school", "late"))
    late.verifier_key("school-7").parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(school.verifier_key("school-7"), late.verifier_key("school-7"))
    done = town.homes["late"].zk("verifier", "ask", POLICIES / "school.yaml", "--timeout", "1", "--json")
    assert "link" not in done.out
    refused(done, Exit.KEY_NOT_TRUSTED, "LOG_KEY_CHANGED")


def test_a_file_that_states_no_change_to_its_own_key_is_another_logs(
    rotated: Rotated, tmp_path: Path
) -> None:
    town, found = rotated
    file = tmp_path / "ledger"
    town.homes["early"].json("ledger", "export", file)
    stranger = tlog.Signer.generate(tlog.Verifier.from_string(found["begun"]["new_key"]).name).verifier
    head, _, *rest = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([head, f"{stranger}\n".encode(), *rest]))
    for name in ("late", "early"):
        done = town.homes[name].zk("ledger", "verify", file, "--json")
        assert "--follow" not in refused(done, Exit.NOT_VERIFIED, "ARCHIVE_INVALID").err
