"""The keyring's file: written, opened, and refused with any of its fields changed; adopting an open key."""

import copy
import json
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.zkservice.keyring.making import NOW, by_file, local
from tests.zkservice.server_process import ROOT
from zkservice.config import Settings
from zkservice.errors import StartError
from zkservice.keyring import ring as rings
from zkservice.keyring.errors import KeyringError, KeyringReason
from zkservice.keyring.opening import Step, open_keys, open_ring
from zkservice.keyring.providers import LocalProvider
from zkservice.keyring.ring import Ring
from zkservice.keys import MASTER_FILE, Keys, generation_of, read_master, seal_header, write_private

MASTER = bytes(range(32))


@pytest.fixture
def provider() -> LocalProvider:
    return local()


def three(provider: LocalProvider) -> Ring:
    """A keyring of three generations, of which the second seals."""
    ring = Ring.first(MASTER, provider, NOW)
    for number in (2, 3):
        ring = ring.adding(ring.made(number, provider, NOW))
    return ring.turned(2)


def test_a_keyring_is_read_as_it_was_written(provider: LocalProvider) -> None:
    ring = three(provider)
    assert rings.read(ring.to_bytes(), provider) == ring
    assert ring.numbers == (1, 2, 3)
    assert len({each.master for each in ring.generations}) == 3
    shown = ring.to_bytes().decode() + repr(ring) + repr(ring.generations)
    for each in ring.generations:
        assert each.master.hex() not in shown
        assert repr(each.master) not in shown
    assert ring.derivation.hex() not in shown


def test_under_another_key_it_does_not_open(provider: LocalProvider) -> None:
    with pytest.raises(KeyringError) as caught:
        rings.read(three(provider).to_bytes(), local())
    assert caught.value.reason == KeyringReason.KEY_WRONG


_WRONG = (KeyringReason.KEYRING_MALFORMED, KeyringReason.KEYRING_CHANGED, KeyringReason.KEY_WRONG)


def paths(found: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to each value in a document."""
    if isinstance(found, dict):
        return [path for name, each in found.items() for path in paths(each, (*at, name))]
    if isinstance(found, list):
        return [path for place, each in enumerate(found) for path in paths(each, (*at, place))]
    return [at]


def changed_at(found: Any, path: tuple[Any, ...], change: Callable[[Any], Any]) -> Any:
    changed = copy.deepcopy(found)
    holder = changed
    for each in path[:-1]:
        holder = holder[each]
    holder[path[-1]] = change(holder[path[-1]])
    return changed


def _other(value: Any) -> Any:
    if isinstance(value, int):
        return value + 1
    swapped = value[:-3] + ("A" if value[-3] != "A" else "B") + value[-2:]
    return swapped if not re.fullmatch(r"[0-9a-f]+", value) else ("0" if value[0] != "0" else "1") + value[1:]


WAYS: dict[str, Callable[[Any], Any]] = {
    "other": _other,
    "none": lambda _: None,
    "empty": lambda value: type(value)(),
    "longer": lambda value: value * 2 if isinstance(value, str) else value * 1000,
    "list": lambda value: [value],
    "true": lambda _: True,
    "negative": lambda _: -1,
    "float": lambda _: 1.5,
}


@pytest.mark.parametrize("way", WAYS)
def test_a_change_of_any_field_is_refused(provider: LocalProvider, way: str) -> None:
    found = json.loads(three(provider).to_bytes())
    places = paths(found)
    assert len(places) == 6 + 3 * 4
    for path in places:
        changed = changed_at(found, path, WAYS[way])
        for octets in (rings._written(changed), json.dumps(changed).encode()):
            with pytest.raises(KeyringError) as caught:
                rings.read(octets, provider)
            assert caught.value.reason in _WRONG, path


def test_a_field_that_is_missing_or_unknown_is_refused(provider: LocalProvider) -> None:
    found = json.loads(three(provider).to_bytes())
    holders: list[Callable[[Any], Any]] = [lambda each: each, lambda each: each["generations"][1]]
    for holder in holders:
        for name in list(holder(found)):
            less = copy.deepcopy(found)
            del holder(less)[name]
            more = copy.deepcopy(found)
            holder(more)["more"] = 1
            for each in (less, more):
                with pytest.raises(KeyringError) as caught:
                    rings.read(rings._written(each), provider)
                assert caught.value.reason == KeyringReason.KEYRING_MALFORMED


def test_a_keyring_that_was_cut_off_anywhere_is_refused(provider: LocalProvider) -> None:
    octets = three(provider).to_bytes()
    for end in range(0, len(octets), 7):
        with pytest.raises(KeyringError) as caught:
            rings.read(octets[:end], provider)
        assert caught.value.reason == KeyringReason.KEYRING_MALFORMED
    for each in (octets + b" ", b"\xff" + octets, b"[" * 100_000, octets.replace(b"  ", b" ")):
        with pytest.raises(KeyringError):
            rings.read(each, provider)


def _swap(found: Any, name: str) -> None:
    one, two = found["generations"][0], found["generations"][1]
    one[name], two[name] = two[name], one[name]


def test_swapped_generations_are_refused(provider: LocalProvider) -> None:
    whole = json.loads(three(provider).to_bytes())
    for names in (["wrapped"], ["wrapped", "check"], ["wrapped", "check", "made"], ["check"]):
        found = copy.deepcopy(whole)
        for each in names:
            _swap(found, each)
        with pytest.raises(KeyringError) as caught:
            rings.read(rings._written(found), provider)
        assert caught.value.reason in _WRONG
    found = copy.deepcopy(whole)
    found["generations"].reverse()
    with pytest.raises(KeyringError):
        rings.read(rings._written(found), provider)
    del whole["generations"][2]
    with pytest.raises(KeyringError) as caught:
        rings.read(rings._written(whole), provider)
    assert caught.value.reason == KeyringReason.KEYRING_CHANGED


def test_parts_of_another_keyring_of_the_same_provider_are_refused(provider: LocalProvider) -> None:
    one, two = (json.loads(three(provider).to_bytes()) for _ in range(2))
    for name in ("id", "derivation", "mac", "generations"):
        mixed = copy.deepcopy(one)
        mixed[name] = two[name]
        with pytest.raises(KeyringError) as caught:
            rings.read(rings._written(mixed), provider)
        assert caught.value.reason in (KeyringReason.KEYRING_CHANGED, KeyringReason.KEY_WRONG)


def test_rewrapped_it_opens_under_the_other_key_alone(provider: LocalProvider, tmp_path: Path) -> None:
    ring, other = three(provider), local()
    rewrapped = ring.rewrapped(other)
    assert rings.read(rewrapped.to_bytes(), other).keys().known == (1, 2, 3)
    with pytest.raises(KeyringError) as caught:
        rings.read(rewrapped.to_bytes(), provider)
    assert caught.value.reason == KeyringReason.KEY_WRONG
    rings.save(tmp_path, rewrapped, other)
    assert stat.S_IMODE((tmp_path / "keyring.json").stat().st_mode) == 0o600
    (tmp_path / "keyring.json").chmod(0o644)
    with pytest.raises(KeyringError, match="read by others"):
        rings.load(tmp_path, other)


def test_a_provider_that_does_not_give_back_what_it_took_is_found_out_before_anything_is_lost(
    tmp_path: Path, provider: LocalProvider
) -> None:
    ring = three(provider)
    rings.save(tmp_path, ring, provider)
    before = (tmp_path / "keyring.json").read_bytes()
    broken = replace(
        ring, generations=(replace(ring.generations[0], wrapped=b"x" * 60), *ring.generations[1:])
    )
    with pytest.raises(KeyringError):
        rings.save(tmp_path, broken, provider)
    assert (tmp_path / "keyring.json").read_bytes() == before


# what is sealed names its generation


def test_the_first_generation_seals_as_ever_and_a_later_one_says_which_it_is(provider: LocalProvider) -> None:
    former, ring = Keys(MASTER), three(provider)
    keys = ring.keys()
    old = former.seal("one", b"secret")
    assert len(old) == 12 + 6 + 16, "octets of before there were generations"
    assert generation_of(old) == 1
    new = keys.seal("one", b"secret")
    assert (generation_of(new), new[:16]) == (2, seal_header(2))
    assert keys.open("one", old) == keys.open("one", new) == b"secret"
    assert ring.turned(1).keys().open("one", new) == b"secret"
    assert former.open("one", ring.turned(1).keys().seal("one", b"x")) == b"x", (
        "nothing is new without a rotation"
    )
    with pytest.raises(StartError):
        former.open("one", new)
    with pytest.raises(StartError):
        keys.open("two", new)


@pytest.mark.parametrize("generation", [1, 3, 4, 0])
def test_a_sealing_is_of_the_generation_that_sealed_it_and_of_no_other(
    provider: LocalProvider, generation: int
) -> None:
    keys = three(provider).keys()
    sealed = keys.seal("one", b"secret")
    with pytest.raises(StartError):
        keys.open("one", seal_header(generation) + sealed[16:])
    with pytest.raises(StartError):
        keys.open("one", sealed[16:])


def test_an_old_sealing_whose_nonce_is_a_header_still_opens(
    provider: LocalProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One in 2^96 is: with the prefix by chance, it has to open all the same."""
    former = Keys(MASTER)
    monkeypatch.setattr("zkservice.keys.secrets.token_bytes", lambda _: seal_header(2)[:12])
    sealed = former.seal("one", b"secret")
    assert generation_of(sealed) > 3
    assert three(provider).keys().open("one", sealed) == b"secret"


def test_tokens_and_fingerprints_stay_when_the_first_generation_goes(provider: LocalProvider) -> None:
    former, ring = Keys(MASTER), three(provider)
    keys = ring.turned(3, [1, 2]).keys()
    assert keys.known == (3,)
    assert keys.token("claim", "x") == former.token("claim", "x")
    assert keys.code("pairing", "x") == former.code("pairing", "x")
    assert keys.fingerprint(b"x") == former.fingerprint(b"x")
    with pytest.raises(StartError):
        keys.open("one", former.seal("one", b"secret"))


def test_what_ends_soon_follows_from_the_generation_that_seals(provider: LocalProvider) -> None:
    """Whoever has the derivation makes none of it; who is before or after a rotation takes the other's."""
    ring = three(provider)
    first, second = ring.turned(1).keys(), ring.keys()
    made = {keys.fleeting("session", "x") for keys in (first, second, ring.turned(3).keys())}
    assert len(made) == 3
    assert made == set(first.fleetings("session", "x")) == set(second.fleetings("session", "x"))
    assert first.token("session", "x") == second.token("session", "x") not in made
    assert Keys(MASTER).fleetings("session", "x") == (first.fleeting("session", "x"),)
    assert second.fleeting("session", "x") not in Keys(MASTER).fleetings("session", "x")
    second.turn(2, [1])
    assert first.fleeting("session", "x") not in second.fleetings("session", "x")
    fresh = Keys(MASTER)
    fresh.learn(2, bytes(32))
    assert len(fresh.fleetings("x")) == 2
    assert fresh.fleeting("x") == Keys(MASTER).fleeting("x")


def test_keys_turn_only_to_what_they_know_and_forget_what_is_retired(provider: LocalProvider) -> None:
    keys = Keys(MASTER)
    old = keys.seal("one", b"secret")
    with pytest.raises(KeyError):
        keys.turn(2)
    keys.learn(2, bytes(32))
    assert generation_of(keys.seal("one", b"x")) == 1
    keys.turn(2, [1])
    assert keys.known == (2,)
    with pytest.raises(StartError):
        keys.open("one", old)


# adopting


def plain(folder: Path) -> Keys:
    """A data folder whose master key lies open."""
    return Keys.load(folder / "keys")


def settings(folder: Path, **given: Any) -> Settings:
    return Settings(data=folder, **given)


def test_without_a_provider_nothing_changes_on_disk(tmp_path: Path) -> None:
    opened = open_keys(settings(tmp_path), make=True)
    assert [each.name for each in (tmp_path / "keys").iterdir()] == ["master.key"]
    assert opened.keys.seal("one", b"x")[:9] != b"zk-sealed"
    assert (opened.provider, opened.keys.known) == (None, (1,))


def test_an_open_key_is_adopted_and_opens_what_it_sealed(tmp_path: Path) -> None:
    former, given = plain(tmp_path), by_file(tmp_path / "provider.key")
    sealed, token = former.seal("one", b"secret"), former.token("claim", "x")
    master = (tmp_path / "keys" / "master.key").read_bytes()
    for _ in range(2):
        keys = open_keys(settings(tmp_path, **given), make=False).keys
        assert keys.open("one", sealed) == b"secret"
        assert keys.token("claim", "x") == token
        names = {each.name for each in (tmp_path / "keys").iterdir()}
        assert names == {"keyring.json", "keyring.lock"}
        assert master not in (tmp_path / "keys" / "keyring.json").read_bytes()
    with pytest.raises(KeyringError) as caught:
        open_keys(settings(tmp_path), make=True)
    assert caught.value.reason == KeyringReason.PROVIDER_MISSING
    with pytest.raises(StartError, match="key_provider"):
        Keys.load(tmp_path / "keys")


def test_a_new_folder_gets_a_keyring_and_never_an_open_key(tmp_path: Path) -> None:
    given = by_file(tmp_path / "provider.key")
    with pytest.raises(KeyringError) as caught:
        open_keys(settings(tmp_path, **given), make=False)
    assert caught.value.reason == KeyringReason.KEYRING_MISSING
    assert not (tmp_path / "keys" / "keyring.json").exists()
    opened = open_keys(settings(tmp_path, **given), make=True)
    assert opened.keys.open("one", opened.keys.seal("one", b"x")) == b"x"
    assert not (tmp_path / "keys" / "master.key").exists()


def test_another_provider_key_is_refused_and_nothing_is_made_anew(tmp_path: Path) -> None:
    open_keys(settings(tmp_path, **by_file(tmp_path / "one.key")), make=True)
    before = (tmp_path / "keys" / "keyring.json").read_bytes()
    with pytest.raises(KeyringError) as caught:
        open_keys(settings(tmp_path, **by_file(tmp_path / "two.key")), make=True)
    assert caught.value.reason == KeyringReason.KEY_WRONG
    assert (tmp_path / "keys" / "keyring.json").read_bytes() == before


def test_an_open_key_beside_a_keyring_that_is_not_its_own_is_left_alone(tmp_path: Path) -> None:
    given = by_file(tmp_path / "provider.key")
    open_keys(settings(tmp_path, **given), make=True)
    write_private(tmp_path / "keys" / "master.key", MASTER)
    with pytest.raises(KeyringError) as caught:
        open_keys(settings(tmp_path, **given), make=True)
    assert caught.value.reason == KeyringReason.KEYRING_OTHER
    assert (tmp_path / "keys" / "master.key").read_bytes() == MASTER


def _adopt(folder: Path, key: Path, step: Step | None) -> None:
    from zkservice.keyring.providers import file_provider

    def after(reached: Step) -> None:
        if reached is step:
            os.kill(os.getpid(), signal.SIGKILL)

    open_ring(folder / "keys", file_provider(key), make=False, after=after)


@pytest.mark.parametrize("step", Step)
def test_killed_at_each_step_of_an_adoption(tmp_path: Path, step: Step) -> None:
    sealed, given = plain(tmp_path).seal("one", b"secret"), by_file(tmp_path / "provider.key")
    code = (
        "import sys; from pathlib import Path; from tests.zkservice.keyring.test_ring import _adopt; "
        "from zkservice.keyring.opening import Step; _adopt(*map(Path, sys.argv[1:3]), Step(sys.argv[3]))"
    )
    command = [sys.executable, "-c", code, str(tmp_path), given["key_file"], step]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, timeout=120)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert open_keys(settings(tmp_path, **given), make=False).keys.open("one", sealed) == b"secret"
    assert not (tmp_path / "keys" / "master.key").exists()


def test_a_key_that_was_overwritten_is_not_adopted(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    write_private(folder / MASTER_FILE, bytes(32))
    with pytest.raises(StartError, match="not a master key"):
        read_master(folder)
