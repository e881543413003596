"""One run of a command: its language, its output, its home, and the way to the service.

A command returns an Answer: the data of its JSON document and the lines that a person reads. With --json
exactly one document goes to standard output; commands that wait print one line for each event instead.
Warnings, prompts and errors go to standard error.
"""

import hmac
import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import typer
from rich.console import Console, RenderableType

from disclosure import LocalizedText, MalformedError
from disclosure.links import ExchangeLink
from tlog import MalformedError as KeyMalformedError
from tlog import Policy, ProofFile, Verifier
from tlog.note import parse_unverified
from wire.client import Endpoint, Identity
from zk import messages
from zk.exits import CommandError, Exit
from zk.failure import Way, explain
from zk.home import DEFAULT_SERVER, Home, Profile, read_file, read_secret
from zk.messages import Language
from zk.proposing import Proposing

PASSPHRASE_VARIABLE: Final = "ZK_PASSPHRASE"  # noqa: S105
_WIDTH: Final = 110
_TRIES: Final = 3
_YES: Final = frozenset({"yes", "y", "是"})


@dataclass(frozen=True)
class Answer:
    """What a command has found or done: `data` for scripts, `lines` for people, `exit_code` for both."""

    data: Mapping[str, Any]
    lines: Sequence[RenderableType] = ()
    exit_code: Exit = Exit.OK


@dataclass(frozen=True)
class Remote:
    """What was said on the command line of the service: server, root certificate, the log's key; and the
    certificate to show there, with its key.

    With `propose` what would be done is proposed to another person (`zk.proposing`).
    """

    server: str | None = None
    root: Path | None = None
    log_key: str | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    propose: bool = False


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM unwind a command as Ctrl-C does, so that a server it started is ended in order.

    It becomes a Ctrl-C, which an event loop takes for itself while it runs: an exception that was raised
    wherever the program happens to be would be lost inside a callback of gRPC's.
    """

    def interrupt(*_: object) -> None:
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's job in the background
            signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Errors(Console):
    """Standard error: once its reader is gone nothing is told there any more, and that ends nothing."""

    def on_broken_pipe(self) -> None:
        """Go on; a console of itself would close standard output too, and end the program."""
        self.quiet = True


def console(stream: Any, kind: type[Console] = Console) -> Console:
    """Return a console that prints what it is given and interprets nothing in it."""
    width = None if stream.isatty() else _WIDTH
    return kind(file=stream, width=width, markup=False, highlight=False, emoji=False)


@dataclass(frozen=True)
class Run:
    """One run of a command."""

    as_json: bool
    lang: Language
    home: Home
    remote: Remote = Remote()
    out: Console = field(default_factory=lambda: console(sys.stdout), repr=False)
    err: Console = field(default_factory=lambda: console(sys.stderr, _Errors), repr=False)

    def text(self, key: str, /, **values: object) -> str:
        """Return a message in the run's language."""
        return messages.text(self.lang, key, **values)

    def local(self, name: LocalizedText) -> str:
        """Return a display name in the run's language."""
        return messages.local(self.lang, name)

    def say(self, *lines: RenderableType) -> None:
        """Print lines for a person; nothing with --json."""
        if not self.as_json:
            for line in lines:
                self.out.print(line, soft_wrap=isinstance(line, str))
            sys.stdout.flush()

    def document(self, data: Mapping[str, Any]) -> None:
        """Print one JSON document on a line of its own; nothing without --json."""
        if self.as_json:
            # A policy may name a witness in octets that are no text: they are written as JSON's escapes.
            written = json.dumps(data, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()
            sys.stdout.write(written + "\n")
            sys.stdout.flush()

    def warn(self, key: str, /, **values: object) -> None:
        """Print a message on standard error, with --json too; a warning that nobody can read ends nothing."""
        with suppress(OSError, SystemExit):  # a full disk; a console that is not `_Errors` ends the program
            self.err.print(self.text(key, **values), soft_wrap=True)

    def finish(self, answer: Answer) -> None:
        """Print an answer in the form that was asked for."""
        self.document(answer.data)
        self.say(*answer.lines)

    @cached_property
    def profile(self) -> Profile:
        """The profile of the home."""
        return self.home.profile()

    @property
    def server(self) -> str:
        """The service's `host:port`: as said, else the profile's, else the local one. CommandError USAGE."""
        server = self.remote.server or self.profile.server or DEFAULT_SERVER
        try:
            ExchangeLink(server, "x", "x")
        except MalformedError:
            raise CommandError(Exit.USAGE, "SERVER_INVALID", "error.server_invalid", server=server) from None
        return server

    @property
    def endpoint(self) -> Endpoint:
        """The way to the service; without a root the system's roots count. CommandError USAGE."""
        root = self.remote.root or self.profile.root
        return Endpoint(
            self.server,
            read_file(root) if root else None,
            identity=self._identity(),
            interceptor=Proposing() if self.remote.propose else None,
        )

    def _identity(self) -> Identity | None:
        """Return what is shown of whoever runs the command, None for nothing; CommandError USAGE."""
        certificate, key = self.remote.client_certificate, self.remote.client_key
        if certificate is None and key is None:
            return None
        if certificate is None or key is None:
            raise CommandError(Exit.USAGE, "CLIENT_KEY_MISSING", "error.client_key_missing")
        return Identity(read_file(certificate), read_file(key))

    def way(self) -> Way:
        """Where the service is looked for, for what is said of a failure; never raises a CommandError."""
        try:
            return Way(self.server, bool(self.remote.server or self.profile.server))
        except CommandError:
            return Way(self.remote.server or "-")

    def log_verifier(self) -> Verifier:
        """Return the log's pinned key.

        A key that is given on the command line is pinned if none is yet. Raises CommandError KEY_NOT_TRUSTED
        if there is none, or if the given one is another than the pinned one.
        """
        given = read_log_key(self.remote.log_key) if self.remote.log_key else None
        pinned = self.profile.log_key
        if pinned is not None:
            check_same_key(pinned, given or pinned)
            return pinned
        if given is None:
            raise CommandError(Exit.KEY_NOT_TRUSTED, "LOG_KEY_UNKNOWN", "error.log_key_unknown")
        self.home.save_profile(replace(self.profile, log_key=given))
        self.warn("ledger.pinned", key=given, home=self.home.path)
        return given

    def log_key_of(self, proof: bytes, log: Verifier) -> Verifier:
        """Return the key that a kept receipt or proof file names as its signer, of `log` and the keys before.

        `log` if it names none of them, or is no such file: whoever verifies it says so.
        """
        try:
            lines = parse_unverified(ProofFile.parse(proof).checkpoint).lines
        except KeyMalformedError:
            return log
        known = self.log_keys(log)
        return next((each for each in known if any(line.is_by(each) for line in lines)), log)

    def log_keys(self, log: Verifier) -> tuple[Verifier, ...]:
        """Return `log` and, if it is the pinned key, those that it has followed."""
        return self.profile.log_keys if log in self.profile.log_keys else (log,)

    @cached_property
    def policy(self) -> Policy | None:
        """The pinned policy, which names the pinned log; None if none is pinned. CommandError USAGE."""
        policy, known = self.home.policy(), self.profile.log_keys
        if policy is None or not known:
            return None
        if not any(each.verifier in known for each in policy.logs):
            path = self.home.path
            raise CommandError(Exit.USAGE, "PROFILE_DAMAGED", "error.profile_damaged", path=path)
        return policy


def check_same_key(pinned: Verifier, other: Verifier) -> None:
    """Raise CommandError KEY_NOT_TRUSTED if the log's key is not the pinned one."""
    if other != pinned:
        raise CommandError(
            Exit.KEY_NOT_TRUSTED, "LOG_KEY_CHANGED", "error.log_key_changed", pinned=pinned, other=other
        )


def read_log_key(written: str) -> Verifier:
    """Return a log's verifier key, given itself or as a file that holds it; CommandError USAGE."""
    try:
        verifier = Verifier.from_string(written)
    except KeyMalformedError:
        try:
            verifier = Verifier.from_string(read_secret(Path(written)))
        except KeyMalformedError:
            raise _no_log_key(written) from None
    if verifier.key_type.cosigns:  # a witness's
        raise _no_log_key(written)
    return verifier


def _no_log_key(written: str) -> CommandError:
    return CommandError(Exit.USAGE, "LOG_KEY_MALFORMED", "error.log_key_malformed", path=written)


def passphrase(
    run: Run,
    file: Path | None,
    *,
    confirm: bool = False,
    variable: str = PASSPHRASE_VARIABLE,
    prompt: str = "vault.passphrase",
) -> str:
    """Return a passphrase: from a file's first line, else from the environment, else asked for.

    It is never an argument, which others on the machine could read. An empty variable counts as none. With
    `confirm` a new one is asked for twice, three times at most. Raises CommandError USAGE, and
    PassphraseError for a new one that no vault takes.
    """
    if file is not None:
        return read_secret(file)
    if given := os.environ.get(variable):
        return given
    if not sys.stdin.isatty():
        raise CommandError(Exit.USAGE, "PASSPHRASE_MISSING", "error.passphrase_missing", variable=variable)
    return _new_passphrase(run, prompt) if confirm else _hidden(run, prompt)


def _hidden(run: Run, prompt: str) -> str:
    answer: str = typer.prompt(run.text(prompt), hide_input=True, err=True)
    return answer


def _new_passphrase(run: Run, prompt: str) -> str:
    """Ask for a new passphrase; one that no vault takes is not asked for a second time."""
    from prover.errors import PassphraseError  # noqa: PLC0415, most commands need no vault
    from prover.sealing import check_passphrase  # noqa: PLC0415

    for left in reversed(range(_TRIES)):
        answer = _hidden(run, prompt)
        try:
            check_passphrase(answer)
        except PassphraseError as error:
            if not left:
                raise
            run.err.print(explain(error, run.lang).message, soft_wrap=True)
            continue
        if hmac.compare_digest(_hidden(run, "vault.passphrase_again").encode(), answer.encode()):
            return answer
        run.warn("vault.passphrase_differs")
    raise CommandError(Exit.USAGE, "PASSPHRASE_DIFFERS", "error.passphrase_differs")


def confirmed(run: Run, question: str) -> bool:
    """Ask a question that only the answers its text names mean yes to.

    Raises CommandError USAGE if nobody can be asked.
    """
    if not sys.stdin.isatty():
        raise CommandError(Exit.USAGE, "NOBODY_TO_ASK", "error.nobody_to_ask")
    run.err.print(run.text(question), end=" ", soft_wrap=True)
    return sys.stdin.readline().strip().lower() in _YES
