"""What works without the service: records, receipts, the ledger file; and the export that broke off."""

import base64
import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from disclosure import ExchangeLink, VerifierName
from prover.client import HolderClient
from prover.present import plan, present
from prover.vault import Vault
from tests.cli.running import EXAMPLES, PASSPHRASE, Done, Home, register_issuers, zk
from tlog import Signer, Verifier
from verifier import keys
from verifier.client import VerifierClient
from verifier.policy import Policy
from wire.client import Endpoint
from zk import ledger_reader
from zk.exits import Exit
from zk.export import export
from zk.local_server import running_server
from zk.service import Service


def endpoint(home: Home) -> Endpoint:
    return Endpoint.at(home.server.address, home.server.root)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with a vault, a record and a ledger file, whose server has ended."""
    folder = tmp_path_factory.mktemp("offline")
    with running_server(folder / "data", folder / "server.log") as server:
        home = Home(folder / "home", server).trusting()
        register_issuers(home)
        home.json("verifier", "register", "bank-1", "--name-zh", "行", "--name-en", "Bank", env=home.admin)
        bank = EXAMPLES / "policies" / "bank.yaml"
        home.json("verifier", "policy", "register", bank, env=home.admin)
        home.json("vault", "create")
        home.json("vault", "claim", home.issue("social_insurance"))
        _answer(home)
        home.json("ledger", "export", home.path / "ledger.txt")
    return home


def _answer(home: Home) -> None:
    """Ask and answer with the libraries of both sides, and keep the record."""
    log = Verifier.from_string(home.server.log_key.read_text().strip())
    name, key = VerifierName("bank-1"), keys.load(home.path / "verifiers" / "bank-1.pem")
    policy = Policy.load(EXAMPLES / "policies" / "bank.yaml")
    with (
        VerifierClient(endpoint(home), name, key, log) as client,
        Vault.open(home.path / "vault.sqlite3", PASSPHRASE) as vault,
    ):
        opened = client.ask(policy.request(name, dt.datetime.now(dt.UTC)))
        HolderClient(endpoint(home)).answer(opened.link, vault, log, lambda _: True)
        client.wait(opened, dt.timedelta(seconds=20)).record.save(home.path / "record.json")


def test_the_server_has_ended(kept: Home) -> None:
    assert kept.zk("ledger", "checkpoint").code == Exit.UNREACHABLE


def test_a_record_is_checked(kept: Home) -> None:
    found = kept.json("verifier", "check", kept.path / "record.json")
    assert found["key_pinned"] is True
    assert found["credentials"][0]["values"] == {"base": 856_400}
    done = zk("verifier", "check", kept.path / "record.json", "--home", kept.path / "none", "--json")
    assert done.code == 0
    assert done.json["key_pinned"] is False
    assert "comes from the file itself" in done.err


def changed_record(kept: Home, tmp_path: Path, old: str, new: str) -> Path:
    text = (kept.path / "record.json").read_text("utf-8")
    assert old in text
    path = tmp_path / "record.json"
    path.write_text(text.replace(old, new), "utf-8")
    return path


def test_a_changed_record_does_not_verify(kept: Home, tmp_path: Path) -> None:
    path = changed_record(kept, tmp_path, "856400", "956400")
    done = kept.zk("verifier", "check", path, "--json")
    assert done.code == Exit.NOT_VERIFIED, done
    assert done.reason == "RECEIPT_MISMATCH"
    assert kept.zk("verifier", "check", kept.path / "ledger.txt", "--json").reason == "RECORD_INVALID"


def test_a_ledger_of_another_log_is_called_so(kept: Home) -> None:
    other = str(Signer.generate("zk-disclosure.example/other").verifier)
    for lang, said in (("en", "another log's key"), ("zh", "另一本账")):
        done = kept.zk("ledger", "verify", kept.path / "ledger.txt", "--key", other, "--lang", lang)
        assert done.code == Exit.NOT_VERIFIED
        assert said in done.err
        assert "--key" in done.err


def test_the_vault_lists_and_checks_its_receipts(kept: Home) -> None:
    assert len(kept.json("vault", "list")["credentials"]) == 1
    (used,) = kept.json("vault", "history")["usages"]
    assert used["holds"] is True
    assert used["state"] == "answered"


def test_receipts_of_another_log_do_not_hold(kept: Home, tmp_path: Path) -> None:
    done = kept.zk("vault", "history", "--log-key", "other.example/log+8d3f0a5c+AQ", "--json")
    assert (done.code, done.reason) == (Exit.USAGE, "FILE_UNREADABLE")
    vkey = str(Signer.generate("zk-disclosure.example/log").verifier)
    alone = Home(tmp_path / "h", kept.server)
    done = alone.zk("vault", "history", "--vault", kept.path / "vault.sqlite3", "--log-key", vkey, "--json")
    assert done.code == Exit.NOT_VERIFIED, done
    (used,) = done.json["usages"]
    assert (used["holds"], used["receipt_reason"]) == (False, "NOTE_UNSIGNED")


def test_the_ledger_file_is_recomputed(kept: Home) -> None:
    found = kept.json("ledger", "verify", kept.path / "ledger.txt")
    # Two issuer keys, two schemas, a verifier, its policy.
    assert (found["receipts"], found["records"], found["key_pinned"]) == (1, 6, True)
    assert found["size"] == found["receipts"] + found["records"] + found["blocks"]
    for lang in ("zh", "en"):
        done = kept.zk("ledger", "verify", kept.path / "ledger.txt", "--lang", lang)
        assert done.code == 0
        assert found["root"] in done.out
        assert ("1 receipt," if lang == "en" else "1 条回执") in done.out


def tampered(kept: Home, tmp_path: Path, line: int, change: Callable[[bytes], bytes]) -> Done:
    lines = (kept.path / "ledger.txt").read_bytes().splitlines(keepends=True)
    lines[line] = change(lines[line])
    path = tmp_path / "tampered.txt"
    path.write_bytes(b"".join(lines))
    return kept.zk("ledger", "verify", path, "--json")


def flipped(line: bytes) -> bytes:
    """The same line with one bit of its entry's last octet flipped."""
    index, entry, note = line.split(b" ")
    octets = bytearray(base64.b64decode(entry))
    octets[-1] ^= 1
    return b" ".join((index, base64.b64encode(octets), note))


def test_a_flipped_bit_in_any_entry_is_found_and_its_place_named(kept: Home, tmp_path: Path) -> None:
    size = kept.json("ledger", "verify", kept.path / "ledger.txt")["size"]
    for entry in range(size):
        done = tampered(kept, tmp_path, 2 + entry, flipped)
        assert done.code == Exit.NOT_VERIFIED
        assert done.reason in {"ARCHIVE_INVALID", "ARCHIVE_MALFORMED"}
        assert "line " in done.json["error"]["message"]


@pytest.mark.parametrize("line", range(-6, 2))
def test_a_flipped_byte_in_head_or_checkpoint_is_found(kept: Home, tmp_path: Path, line: int) -> None:
    done = tampered(kept, tmp_path, line, lambda each: bytes([each[0] ^ 1]) + each[1:])
    assert done.code == Exit.NOT_VERIFIED


def test_lines_that_are_cut_off_doubled_or_left_out_are_found(kept: Home, tmp_path: Path) -> None:
    for change in (lambda each: b"", lambda each: each + each, lambda each: each[: len(each) // 2]):
        assert tampered(kept, tmp_path, 4, change).code == Exit.NOT_VERIFIED
    missing = kept.zk("ledger", "verify", tmp_path / "none", "--json")
    assert (missing.code, missing.reason) == (Exit.USAGE, "FILE_UNUSABLE")


def test_what_was_sent_without_an_answer_is_sent_again(school: Home, holder: Home) -> None:
    """The use is in the vault as it is just before it goes out; then the holder's process ended."""
    asked, _ = school.ask("bank", "--timeout", "0.2", code=Exit.UNREACHABLE)
    with Vault.open(holder.path / "vault.sqlite3", PASSPHRASE) as vault:
        fetched = HolderClient(endpoint(holder)).fetch(
            ExchangeLink.parse(asked["link"]), Verifier.from_string(holder.server.log_key.read_text().strip())
        )
        planned = plan(fetched.request, vault.credentials(), dt.datetime.now(dt.UTC))
        vault.begin_usage(fetched, present(planned, vault.keys, dt.datetime.now(dt.UTC)))
    assert holder.json("vault", "history")["usages"][-1]["state"] == "sent"
    assert holder.json("vault", "resume") == {"claimed": 0, "answered": 1, "refused": 0, "open": 0}
    assert holder.json("vault", "history")["usages"][-1]["holds"] is True


# the export, which needs the service


class BrokenOffError(Exception):
    """Stands for a connection that is lost in the middle."""


def break_off(home: Home, path: Path, at: int) -> None:
    """Export page by page, and stop as soon as `at` entries are at hand."""

    def stop(count: int) -> None:
        if count >= at:
            raise BrokenOffError

    with Service(endpoint(home)) as service:
        signed = service.ledger.checkpoint()
        with pytest.raises(BrokenOffError):
            export(service.ledger, signed, path, signed.key, stop)


def test_an_export_goes_on_where_it_broke_off(
    home: Home, issuer: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_reader, "PAGE_SIZE", 2)
    path, part = tmp_path / "ledger.txt", tmp_path / "ledger.txt.part"
    break_off(home, path, 2)
    assert not path.exists()
    assert len(part.read_bytes().splitlines()) == 2
    with part.open("ab") as file:
        file.write(b"cut off in the mid")
    issuer.json("issuer", "key", "--department", "hrss")
    found = home.json("ledger", "export", path)
    assert found["resumed_from"] == 2
    assert not part.exists()
    assert [each.name for each in tmp_path.iterdir()] == ["ledger.txt"]
    again = home.json("ledger", "export", tmp_path / "again.txt")
    assert again["resumed_from"] == 0
    assert path.read_bytes() == (tmp_path / "again.txt").read_bytes()
    assert home.json("ledger", "verify", path)["size"] == found["size"]


def test_an_export_that_was_tampered_with_never_becomes_a_ledger(
    home: Home, issuer: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_reader, "PAGE_SIZE", 2)
    path, part = tmp_path / "ledger.txt", tmp_path / "ledger.txt.part"
    path.write_bytes(b"the ledger of yesterday")
    break_off(home, path, 2)
    good = part.read_bytes()
    entry, _, rest = good.partition(b" ")
    octets = bytearray(base64.b64decode(entry))
    octets[-1] ^= 1
    for bad in (base64.b64encode(octets) + b" " + rest, b"!" + good, good.replace(b" -", b" =")):
        part.write_bytes(bad)
        done = home.zk("ledger", "export", path, "--json")
        assert done.code == Exit.NOT_VERIFIED, done
        assert path.read_bytes() == b"the ledger of yesterday"
        assert not (tmp_path / "ledger.txt.new").exists()
    assert done.reason in {"EXPORT_DAMAGED", "ENTRY_MALFORMED"}
