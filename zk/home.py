"""The folder in which the command keeps what is its user's: profile, tokens, keys, records, the vault.

Everything in it is written whole or not at all, and secrets with mode 0600 from the first octet on. A folder
may serve one role or all: issuer, holder, verifier, regulator.
"""

import json
import tomllib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from secrets import token_hex
from typing import Final

from disclosure import SchemaName
from tlog import MalformedError, Policy, Verifier
from verifier import files
from zk.exits import CommandError, Exit

DEFAULT_SERVER: Final = "localhost:8443"
_PROFILE: Final = "profile.toml"
_POLICY: Final = "witnesses.policy"
_MOST_OCTETS: Final = 256 * 2**20
"""Of a file that a command is given; the largest are registers of a whole city."""
_FIELDS: Final = ("server", "root", "log_key", "earlier_log_keys")


def write_private(path: Path, octets: bytes) -> None:
    """Write a file that only its owner can read; the old one stays until the new one is durable."""
    private_folder(path.parent)
    files.replace(path, octets)


def private_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing, for their owner only."""
    # mkdir(parents=True) would leave the mode of the parents, the home among them, to the umask.
    for each in reversed([path, *path.parents]):
        each.mkdir(exist_ok=True, mode=0o700)


def read_secret(path: Path) -> str:
    """Read a secret's one line; CommandError USAGE if it cannot be read."""
    try:
        return path.read_text("utf-8").removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError):
        raise unreadable(path) from None


def waiting_beside(path: Path) -> Path:
    """Where a new secret stands that is to take the place of the one at `path`."""
    return path.with_suffix(".new")


def unreadable(path: Path) -> CommandError:
    """Return what is said of a file that cannot be read."""
    return CommandError(Exit.USAGE, "FILE_UNREADABLE", "error.file_unreadable", path=path)


@dataclass(frozen=True)
class Profile:
    """Where the service is and whom to believe: `host:port`, the PEM root's file, the log's verifier key.

    `earlier_log_keys` are those that the pinned one has followed, oldest first: what they signed they signed.
    """

    server: str | None = None
    root: Path | None = None
    log_key: Verifier | None = None
    earlier_log_keys: tuple[Verifier, ...] = ()

    @property
    def log_keys(self) -> tuple[Verifier, ...]:
        """The pinned key and then those that it has followed, newest first; none if none is pinned."""
        return () if self.log_key is None else (self.log_key, *reversed(self.earlier_log_keys))

    def to_toml(self) -> bytes:
        """Return the file; a JSON string is a basic string of TOML as well."""
        earlier = " ".join(map(str, self.earlier_log_keys))
        values = {
            "server": self.server,
            "root": self.root,
            "log_key": self.log_key,
            "earlier_log_keys": earlier,
        }
        lines = [f"{name} = {json.dumps(str(each))}\n" for name, each in values.items() if each]
        return "".join(lines).encode()

    @classmethod
    def from_toml(cls, octets: bytes) -> "Profile":
        """Read the file; ValueError if it is not as `to_toml` writes it."""
        values = tomllib.loads(octets.decode())
        if not set(values) <= set(_FIELDS) or not all(isinstance(each, str) for each in values.values()):
            raise ValueError("unknown fields")
        root, key = values.get("root"), values.get("log_key")
        return cls(
            server=values.get("server"),
            root=Path(root) if root else None,
            log_key=Verifier.from_string(key) if key else None,
            earlier_log_keys=tuple(map(Verifier.from_string, values.get("earlier_log_keys", "").split())),
        )


@dataclass(frozen=True)
class Home:
    """The folder; nothing is made in it before something has to be kept.

    With `certified` a certificate says who calls, so a department's token need not be here. `take_up` is
    called before a secret of a party is read beside which a new one waits, with its file and the party's name
    (`zk.fresh`).
    """

    path: Path
    certified: bool = False
    take_up: Callable[[Path, str], None] | None = field(default=None, repr=False, compare=False)

    @classmethod
    def default(cls) -> "Home":
        """Return the folder that counts if none is said."""
        return cls(Path("~/.zk").expanduser())

    def profile(self) -> Profile:
        """Return the profile, an empty one if there is none; CommandError USAGE if it is damaged."""
        path = self.path / _PROFILE
        try:
            return Profile.from_toml(path.read_bytes())
        except FileNotFoundError:
            return Profile()
        except (OSError, ValueError, MalformedError):
            raise CommandError(Exit.USAGE, "PROFILE_DAMAGED", "error.profile_damaged", path=path) from None

    def save_profile(self, profile: Profile) -> None:
        """Keep the profile; its root certificate is copied into the folder first."""
        if profile.root is not None and profile.root.resolve() != (self.path / "root.pem").resolve():
            write_private(self.path / "root.pem", read_file(profile.root))
            profile = replace(profile, root=self.path.resolve() / "root.pem")
        write_private(self.path / _PROFILE, profile.to_toml())

    def policy(self) -> Policy | None:
        """Return the pinned policy, whose quorum anchors a receipt; None if none is pinned.

        CommandError USAGE if it is damaged.
        """
        path = self.path / _POLICY
        try:
            return Policy.parse(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, MalformedError):
            raise CommandError(Exit.USAGE, "PROFILE_DAMAGED", "error.profile_damaged", path=path) from None

    def save_policy(self, policy: Policy) -> None:
        """Keep the policy in the place of the one there is."""
        write_private(self.path / _POLICY, policy.to_bytes())

    def drop_policy(self) -> None:
        """Forget the policy, as another log is pinned; what is not there stays so."""
        with suppress(FileNotFoundError):
            files.remove(self.path / _POLICY)

    def token_path(self, department: str) -> Path:
        """Where a department's token is kept."""
        return self.path / "tokens" / f"{department}.token"

    def departments(self) -> list[str]:
        """Return the departments whose token is kept here."""
        return sorted(each.stem for each in (self.path / "tokens").glob("*.token"))

    def token(self, department: str) -> str:
        """Return a department's token, an empty one where a certificate does; CommandError USAGE if there is
        none."""
        path = self.token_path(department)
        if not path.exists():
            if self.certified:
                return ""
            raise CommandError(
                Exit.USAGE, "DEPARTMENT_NOT_HERE", "error.department_not_here", department=department
            )
        return self.current(path, f"departments/{department}")

    def current(self, path: Path, name: str) -> str:
        """Return a party's secret that counts now: the one that waits beside it, once the service has taken
        it."""
        if self.take_up is not None and path.exists() and waiting_beside(path).exists():
            self.take_up(path, name)
        return read_secret(path)

    def administrator_secret(self, administrator: str) -> Path:
        """Where an administrator's own secret is kept."""
        return self.path / "administrators" / f"{administrator}.secret"

    def subject_secret(self, schema: SchemaName, attribute: str) -> Path:
        """Where a department keeps a new secret of a child, a home or a household, each in its own file."""
        name = f"{schema.item}-{attribute}-{token_hex(4)}.secret"
        return self.path / "secrets" / schema.department / name

    def officer_share(self, regulator: str) -> Path:
        """Where an officer's secret share of a regulator's key is kept."""
        return self.path / "regulators" / f"{regulator}.share"

    def regulator_key(self, regulator: str) -> Path:
        """Where the key that a regulator's officers share is kept, which is public."""
        return self.path / "regulators" / f"{regulator}.key"

    def regulator_token(self, regulator: str) -> Path:
        """Where the token is kept with which a regulator reads figures."""
        return self.path / "regulators" / f"{regulator}.token"

    def regulators(self) -> list[str]:
        """Return the regulators of which a share is kept here."""
        return sorted(each.stem for each in (self.path / "regulators").glob("*.share"))

    def verifier_key(self, verifier: str) -> Path:
        """Where a verifier's request key is kept."""
        return self.path / "verifiers" / f"{verifier}.pem"

    def verifiers(self) -> list[str]:
        """Return the verifiers whose key is kept here."""
        return sorted(each.stem for each in (self.path / "verifiers").glob("*.pem"))

    @property
    def pseudonyms(self) -> Path:
        """The register of pseudonyms that may come to a verifier once."""
        return self.path / "pseudonyms.sqlite3"

    @property
    def consortium(self) -> Path:
        """The folder of the consortium's header that is trusted, and of where it is asked."""
        return self.path / "consortium"

    @property
    def nonces(self) -> Path:
        """The folder of the nonces that holders were given for W3C documents and that are not used up."""
        return self.path / "nonces"

    @property
    def records(self) -> Path:
        """The folder of a verifier's records."""
        return self.path / "records"

    @property
    def deliveries(self) -> Path:
        """What was sent to verifiers unasked: a folder for each."""
        return self.path / "deliveries"

    @property
    def vault(self) -> Path:
        """The vault's file."""
        return self.path / "vault.sqlite3"


def read_file(path: Path) -> bytes:
    """Read a file; CommandError USAGE if it cannot be read, or has no end."""
    try:
        with path.open("rb") as file:
            octets = file.read(_MOST_OCTETS + 1)
    except OSError:
        raise unreadable(path) from None
    if len(octets) > _MOST_OCTETS:
        raise CommandError(Exit.USAGE, "FILE_TOO_LARGE", "error.file_too_large", path=path)
    return octets
