"""A city's folder on its host: `ordering.home` and what a node on a host of its own needs besides.

    FOLDER/city.json      name, log, power, where it listens and is reached
    FOLDER/operator.next  the operator's next key, while a rotation is under way
    FOLDER/operator.*.previous  those before, since a node may have lied about what the chain has
    FOLDER/rotate.lock    held by the one rotation that is under way
    FOLDER/claims.lock    held by the one service that claims by the operator's key
    FOLDER/genesis.json   the chain's founding, as this city has checked it
    FOLDER/join.json      from which header a city that comes later takes a snapshot
    FOLDER/peers/         cards of cities that came later, or moved

State rules: a folder is of one chain for ever. Keys lie in files of mode 0600 in a folder of mode 0700, and
a folder that others can read or write is not used. Files are written whole beside the old ones and renamed.
"""

import base64
import contextlib
import fcntl
import json
import os
import secrets
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ordering import state
from ordering.city.card import Card, check_address, decoded
from ordering.city.founding import Founding
from ordering.errors import StateError
from ordering.genesis import Genesis
from ordering.home import ENGINE, SOCKET_FILE, Node, Ports, public_octets, synced, write_once, write_whole
from ordering.operators import Operator
from ordering.store import STORE_FILE, Store
from tlog.errors import TlogError
from tlog.keys import Verifier

_CITY: Final = "city.json"
_GENESIS: Final = "genesis.json"
_JOIN: Final = "join.json"
_PEERS: Final = "peers"
_LOCK: Final = "serve.lock"
_KEY: Final = "operator.key"
_NEXT: Final = "operator.next"
_PREVIOUS: Final = "operator.*.previous"
_ROTATE_LOCK: Final = "rotate.lock"
_CLAIMS_LOCK: Final = "claims.lock"
_MAX_SOCKET_OCTETS: Final = 100
_TRUST_PERIOD: Final = "336h0m0s"


@dataclass(frozen=True)
class City:
    """Who a folder's node is: name, log's key, power; where it listens, is asked, and is reached."""

    name: str
    log: str
    power: int
    listen: str
    rpc: str
    address: str

    def checked(self) -> "City":
        """Return it if all of it can be; StateError."""
        for each in (self.listen, self.rpc, self.address):
            check_address(each)
        try:
            if Verifier.from_string(self.log).key_type.cosigns:
                raise StateError("the log's key is a witness's")
        except TlogError as error:
            raise StateError(f"the log's key: {error}") from None
        return self


@dataclass(frozen=True)
class Join:
    """Where a city that comes later begins: a header it has from others' operators, and their nodes."""

    height: int
    hash: str
    servers: tuple[str, ...]

    def settings(self) -> dict[str, Any]:
        """What the engine's state sync is told."""
        return {
            "enable": True,
            "rpc_servers": ",".join(self.servers),
            "trust_height": self.height,
            "trust_hash": self.hash,
            "trust_period": _TRUST_PERIOD,
            "discovery_time": "5s",
        }


@dataclass(frozen=True)
class CityHome:
    """One city's folder."""

    folder: Path

    @property
    def node(self) -> Node:
        """The engine's and the machine's part of it."""
        return Node(self.folder)

    def make(self, city: City, engine: str = ENGINE) -> Card:
        """Make folder and keys, and return the card; StateError, also if it was made before."""
        if (self.folder / _CITY).exists():
            raise StateError(f"{self.folder} is a city's folder already")
        socket = str((self.node.application / SOCKET_FILE).absolute())
        if len(socket.encode()) > _MAX_SOCKET_OCTETS:
            raise StateError(f"the path is too long for a socket: {socket}")
        city.checked()
        with _files(self.folder):
            self.node.make(engine)
            write_whole(self.folder / _CITY, _json(asdict(city)))
        return Card.parse(self.card().to_bytes())

    @property
    def city(self) -> City:
        """Who it is; StateError if the folder is none, or others can read or write it."""
        with _files(self.folder):
            if self.folder.stat().st_mode & 0o077 or (self.folder / _KEY).stat().st_mode & 0o077:
                raise StateError(f"others can read {self.folder}; run chmod 700 on it, 600 on its keys")
            given = decoded((self.folder / _CITY).read_bytes(), _CITY)
        try:
            return City(**given).checked()
        except TypeError:
            raise StateError(f"{self.folder / _CITY} is not as it was made") from None

    def card(self) -> Card:
        """Return what others are shown, as the keys are now; StateError."""
        city, node = self.city, self.node
        with _files(self.folder):
            key = node.operator_key
            operator = Operator(
                city.name, public_octets(key), Verifier.from_string(city.log), node.validator, city.power
            )
            return Card(operator, node.identifier, city.address).signed_by(key, _validator(node))

    @property
    def url(self) -> str:
        """Where this city's own node is asked."""
        host, _, port = self.city.rpc.rpartition(":")
        return f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"  # noqa: S104 - what was said

    # the chain

    @property
    def founding(self) -> Founding:
        """The chain that this city takes part in; StateError before it does."""
        try:
            return Founding.parse((self.folder / _GENESIS).read_bytes())
        except FileNotFoundError:
            raise StateError(f"{self.folder} has no chain: zk consortium join") from None

    def take_part(self, founding: Founding, join: Join | None = None) -> bool:
        """Take part in a chain, and tell whether as a founder; StateError for a folder of another chain.

        A founder's card has to stand in the genesis as it is here. Whoever comes later stands there under no
        name.
        """
        card = self.card()
        found = founding.card(card.operator.name)
        if found is not None and found.text() != card.text():
            raise StateError(f"the genesis has another card of {card.operator.name}")
        if found is not None and join is not None:
            raise StateError("a founder begins with the chain, and not from a snapshot")
        with _files(self.folder):
            if (self.folder / _GENESIS).exists() and self.founding != founding:
                raise StateError(f"{self.folder} is of another chain, {self.founding.chain}")
            write_whole(self.folder / _GENESIS, founding.to_bytes())
            if join is not None:
                write_whole(self.folder / _JOIN, _json(asdict(join)))
        return found is not None

    def add_peer(self, card: Card) -> None:
        """Note where the node of a city is reached that came later, or moved; from the next start on."""
        with _files(self.folder):
            (self.folder / _PEERS).mkdir(exist_ok=True, mode=0o700)
            write_whole(self.folder / _PEERS / f"{card.operator.name}.json", card.to_bytes())

    def peers(self) -> tuple[Card, ...]:
        """Return the other cities' cards, as they were given last; StateError."""
        with _files(self.folder):
            later = [Card.parse(each.read_bytes()) for each in sorted((self.folder / _PEERS).glob("*.json"))]
        found = {each.operator.name: each for each in (*self.founding.cards, *later)}
        return tuple(each for name, each in sorted(found.items()) if name != self.city.name)

    def configure(self) -> None:
        """Write what the engine needs for a start; StateError for a folder that holds another chain."""
        founding, city = self.founding, self.city
        self._check_chain(founding)
        host, _, port = city.listen.rpartition(":")
        rpc_host, _, rpc_port = city.rpc.rpartition(":")
        more: dict[str, Any] = {"host": host, "rpc_host": rpc_host, "external": city.address}
        if (join := self._join()) is not None:
            more["statesync"] = join.settings()
        peers = [each.peer for each in self.peers()]
        with _files(self.folder):
            ports = Ports(int(port), int(rpc_port))
            self.node.configure(founding.genesis, founding.begins, ports, peers, **more)

    def _join(self) -> Join | None:
        try:
            given = decoded((self.folder / _JOIN).read_bytes(), _JOIN)
            return replace(Join(**given), servers=tuple(given["servers"]))
        except FileNotFoundError:
            return None
        except (TypeError, KeyError):
            raise StateError(f"{self.folder / _JOIN} is not as it was made") from None

    def _check_chain(self, founding: Founding) -> None:
        """Check that neither the engine nor the machine holds another chain than the genesis."""
        path = self.node.engine / "config" / "genesis.json"
        with _files(self.folder):
            given = decoded(path.read_bytes(), str(path)) if path.exists() else {}
        if "operators" in (given.get("app_state") or {}):  # the engine makes one without on its own
            held = Genesis.parse(given.get("chain_id", ""), json.dumps(given["app_state"]).encode())
            if held != founding.genesis:
                raise StateError(f"{self.folder} is of another chain, {held.chain}")
        if not (self.node.application / STORE_FILE).exists():
            return
        with contextlib.closing(Store(self.node.application)) as store:
            try:
                chain = state.chain(store) if store.committed else founding.chain
            except sqlite3.Error as error:
                raise StateError(f"{self.node.application / STORE_FILE} cannot be read: {error}") from None
        if chain != founding.chain:
            raise StateError(f"{self.folder} is of another chain, {chain}")

    def held(self) -> contextlib.AbstractContextManager[int]:
        """Hold the folder for one node's processes, which get the lock's descriptor; StateError.

        It stays held for as long as one of them runs, whatever became of who started it: two engines with one
        validator's key would sign two blocks of one height.
        """
        return self._alone(
            _LOCK, f"a node of {self.folder} runs, or an engine or machine that was left of one"
        )

    def claiming(self) -> contextlib.AbstractContextManager[int]:
        """Hold the folder for one service that claims, beside its node; StateError while another one does.

        Two would write one count of the day, each over the other's.
        """
        return self._alone(_CLAIMS_LOCK, f"another service that claims runs on {self.folder}")

    @contextlib.contextmanager
    def _alone(self, lock: str, otherwise: str) -> Iterator[int]:
        with _files(self.folder):
            descriptor = os.open(self.folder / lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise StateError(otherwise) from None
            yield descriptor
        finally:
            os.close(descriptor)

    # the operator's keys

    def operator_keys(self) -> tuple[Ed25519PrivateKey, ...]:
        """Return the key of the operator's transactions, the next one, and those before."""
        _ = self.city  # whose folder others can read is not used
        with _files(self.folder):
            files = [self.folder / _KEY, self.folder / _NEXT, *sorted(self.folder.glob(_PREVIOUS))]
            return tuple(
                Ed25519PrivateKey.from_private_bytes(each.read_bytes()) for each in files if each.exists()
            )

    def rotating(self) -> contextlib.AbstractContextManager[int]:
        """Hold the operator's keys for one rotation; StateError while another one is under way."""
        return self._alone(_ROTATE_LOCK, f"the operator's key in {self.folder} is being changed already")

    def next_key(self) -> Ed25519PrivateKey:
        """Return the operator's next key, made if none is under way; on return it survives a crash."""
        _ = self.city
        path = self.folder / _NEXT
        with _files(self.folder):
            if not path.exists():
                write_once(path, secrets.token_bytes(32))
            return Ed25519PrivateKey.from_private_bytes(path.read_bytes())

    def settle_key(self, public: bytes) -> None:
        """Put the next key, whose public octets the chain has, in the place of the one before; StateError.

        The one before is kept beside it: should a node have lied about what the chain has, the folder still
        holds the key that counts. Once the chain has another one it is good for nothing.
        """
        with _files(self.folder):
            path = self.folder / _NEXT
            key = Ed25519PrivateKey.from_private_bytes(path.read_bytes())
            if public_octets(key) != public:
                raise StateError("the chain has another key than the next one of this folder")
            before = (self.folder / _KEY).read_bytes()
            named = public_octets(Ed25519PrivateKey.from_private_bytes(before)).hex()
            write_whole(self.folder / _PREVIOUS.replace("*", named), before)
            path.replace(self.folder / _KEY)
            synced(self.folder)


@contextlib.contextmanager
def _files(folder: Path) -> Iterator[None]:
    """Turn what the system says of a file into a StateError, which says nothing of what the file holds."""
    try:
        yield
    except OSError as error:
        path = error.filename or folder
        raise StateError(f"{path}: {error.strerror or type(error).__name__}") from None
    except (ValueError, KeyError) as error:
        raise StateError(f"{folder} is not as it was made: {type(error).__name__}") from None


def _validator(node: Node) -> Ed25519PrivateKey:
    given = json.loads((node.engine / "config" / "priv_validator_key.json").read_text())
    return Ed25519PrivateKey.from_private_bytes(base64.b64decode(given["priv_key"]["value"])[:32])


def _json(given: dict[str, Any]) -> bytes:
    return (json.dumps(given, indent=1) + "\n").encode()
