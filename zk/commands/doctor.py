"""`zk doctor`: is everything here as it should be? Each line is ok, a warning or a fault."""

import datetime as dt
import platform
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from grpc_health.v1 import health_pb2, health_pb2_grpc
from rich.table import Table

import bbs
from consortium.faults import FaultKind
from tlog import BlockHeader, Policy, TlogError, open_by_policy, open_checkpoint, parse_entry
from wire.client import ServiceError, call
from zk.bench.cost import cost_of
from zk.commands import doctor_server
from zk.commands.checking import FAIL, OK, WARN, Check, check
from zk.exits import CommandError, Exit
from zk.failure import explain
from zk.group import Group
from zk.ledger_reader import LedgerReader, SignedCheckpoint, Witnessing
from zk.run import Answer, Run
from zk.service import Service

_LIBRARIES: Final = (
    "cbor2", "cryptography", "grpcio", "prometheus-client", "protobuf", "py-arkworks-bls12381", "py-ecc",
    "pydantic", "rich", "segno", "sqlalchemy", "structlog", "typer",
)  # fmt: skip
_CONSTANT_TIME: Final = frozenset({"blst"})
"""The groups whose work on secrets takes the same time whatever they are."""
_TOLERANCE: Final = dt.timedelta(minutes=2)
_EXPIRES_SOON: Final = dt.timedelta(days=21)
_TLS_SECONDS: Final = 5.0
_FAULTS: Final[dict[FaultKind | None, str]] = {
    FaultKind.UNREACHABLE: "doctor.witness_unreachable",
    FaultKind.SLOW: "doctor.witness_slow",
    FaultKind.REFUSED: "doctor.witness_refused",
    FaultKind.MALFORMED: "doctor.witness_malformed",
    FaultKind.SIGNATURE: "doctor.witness_signature",
    FaultKind.AHEAD: "doctor.witness_ahead",
}


Metrics = Annotated[str | None, typer.Option("--metrics", metavar="URL", help="help.doctor.metrics")]


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    Group("", app).command("doctor", remote=True)(doctor)


def doctor(
    run: Run,
    metrics: Metrics = None,
    data: Annotated[Path | None, typer.Option("--data", help="help.doctor.data")] = None,
    operator_token_file: Annotated[
        Path | None, typer.Option("--operator-token-file", help="help.doctor.operator_token_file")
    ] = None,
) -> Answer:
    """Look at everything that the command relies on, and on a server's own machine at the server's parts."""
    checks = [*_local(run), *_remote(run)]
    if operator_token_file is not None:
        checks.append(doctor_server.status(run, operator_token_file))
    if metrics is not None:
        checks += doctor_server.told(run, metrics)
    if data is not None:
        checks += doctor_server.folder(run, data)
    table = Table(show_header=False, box=None, pad_edge=False)
    for each in checks:
        name = run.text("doctor.row", name=run.text(f"doctor.name.{each.name}"))
        table.add_row(run.text(f"doctor.{each.state}"), name, each.detail)
    healthy = all(each.state != FAIL for each in checks)
    found = {
        "healthy": healthy,
        "checks": [
            {"name": each.name, "state": each.state, "detail": each.detail, **each.figures} for each in checks
        ],
    }
    return Answer(found, [table], Exit.OK if healthy else Exit.UNHEALTHY)


def _local(run: Run) -> Iterator[Check]:
    version = platform.python_version()
    yield check(run, "python", OK if sys.version_info >= (3, 11) else FAIL, "doctor.python", version=version)
    yield _group(run)
    yield _libraries(run)
    yield _modes(run)


def _group(run: Run) -> Check:
    group = bbs.groups.default()
    cost, constant_time = cost_of(group), group.name in _CONSTANT_TIME
    others = [each for each in bbs.groups.available() if each != group.name]
    return check(
        run,
        "group",
        OK if constant_time else WARN,
        "doctor.group" if constant_time else "doctor.group_not_constant_time",
        group=group.name,
        others=", ".join(others) or "-",
        pairing_check_ms=round(cost.pairing_check_ms, 2),
        proof_ms=round(cost.proof_ms, 2),
        verify_ms=round(cost.verify_ms, 2),
        proof_ratio=round(cost.proof_ratio, 1),
        verify_ratio=round(cost.verify_ratio, 1),
    )


def _libraries(run: Run) -> Check:
    versions: dict[str, str] = {}
    for name in _LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "-"
    missing = [name for name, version in versions.items() if version == "-"]
    shown = ", ".join(f"{name} {version}" for name, version in versions.items())
    return Check("libraries", FAIL if missing else OK, shown, {"versions": versions})


def _modes(run: Run) -> Check:
    """Nothing of the home may be readable by others: tokens, keys, the vault, records."""
    home = run.home.path
    if not home.exists():
        return check(run, "files", WARN, "doctor.home_missing", home=home)
    found = [home, *(each for each in home.rglob("*") if not each.is_symlink())]
    loose = [str(each) for each in found if each.stat().st_mode & 0o077 and _private(each, home)]
    if loose:
        return check(run, "files", FAIL, "doctor.files_open", files=", ".join(loose[:5]))
    return check(run, "files", OK, "doctor.files_closed", home=home)


def _private(path: Path, home: Path) -> bool:
    """Tell whether a file is secret: what lies in a closed folder is closed, and the root is public."""
    return path == home or (bool(home.stat().st_mode & 0o077) and path.is_file() and path.name != "root.pem")


def _remote(run: Run) -> Iterator[Check]:
    try:
        with Service(run.endpoint) as service:
            signed = service.ledger.checkpoint(run.profile.log_key)
            newest = _block_from(service.ledger, max(signed.checkpoint.size - 1, 0), signed)
            witnesses = list(_witnesses(run, service.ledger, signed))
    except (ServiceError, CommandError) as error:
        sentence = explain(error, run.lang, way=run.way(), full=run.as_json).sentence()
        yield Check("server", FAIL, sentence, {})
        yield _log_key(run, None)
        return
    yield check(run, "server", OK, "doctor.server", server=run.server, size=signed.checkpoint.size)
    yield doctor_server.readiness(run)
    yield _certificate(run)
    yield _clock(run, newest)
    yield _log_key(run, signed)
    yield from witnesses


def _block_from(ledger: LedgerReader, start: int, signed: SignedCheckpoint) -> BlockHeader | None:
    """Return the first block header that stands at an index or behind it."""
    for page in ledger.entries(start, signed.checkpoint.size):
        for each in page:
            parsed = parse_entry(each.octets)
            if isinstance(parsed, BlockHeader):
                return parsed
    return None


def _certificate(run: Run, now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)) -> Check:
    """Look at the server's certificate by a connection of its own, verified under the same root."""
    host, _, port = run.server.rpartition(":")
    root = run.endpoint.root_certificate
    context = ssl.create_default_context(cadata=root.decode() if root else None)
    context.set_alpn_protocols(["h2"])
    host = host.strip("[]")
    try:
        with (
            socket.create_connection((host, int(port)), _TLS_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=host) as secure,
        ):
            ends = str((secure.getpeercert() or {}).get("notAfter", ""))
    except (OSError, ValueError) as error:
        return check(run, "certificate", FAIL, "doctor.certificate_refused", problem=type(error).__name__)
    expires = dt.datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), dt.UTC)
    left = expires - now()
    if left >= _EXPIRES_SOON and _not_taken(run):
        return check(
            run, "certificate", WARN, "doctor.certificate_not_taken", expires=expires, days=left.days
        )
    return check(
        run,
        "certificate",
        WARN if left < _EXPIRES_SOON else OK,
        "doctor.certificate",
        expires=expires,
        days=left.days,
    )


def _not_taken(run: Run) -> bool:
    """Ask the service whether what lies in its files is not what it shows; one that does not say is well."""
    with run.endpoint.channel() as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        try:
            told = call(health.Check, health_pb2.HealthCheckRequest(service="certificate"))
        except ServiceError:
            return False
    return bool(told.status == health_pb2.HealthCheckResponse.NOT_SERVING)


def _clock(run: Run, newest: BlockHeader | None) -> Check:
    """Compare this clock with the newest block: no block is made before its time.

    The service tells its time nowhere else, so a clock that runs ahead is not seen here.
    """
    if newest is None:
        return check(run, "clock", WARN, "doctor.clock_unknown")
    seconds = newest.time_ms / 1000
    behind = seconds - dt.datetime.now(dt.UTC).timestamp()  # of no calendar, if the log likes
    if behind > _TOLERANCE.total_seconds():
        return check(run, "clock", FAIL, "doctor.clock_behind", seconds=round(behind))
    moment = dt.datetime.fromtimestamp(seconds, dt.UTC)
    return check(run, "clock", OK, "doctor.clock", block_time=moment)


def _log_key(run: Run, signed: SignedCheckpoint | None) -> Check:
    pinned = run.profile.log_key
    if pinned is None:
        return check(run, "log_key", WARN, "doctor.log_key_missing")
    if signed is not None and signed.key != pinned:
        return check(run, "log_key", FAIL, "error.log_key_changed", pinned=pinned, other=signed.key)
    return check(run, "log_key", OK, "doctor.log_key", key=pinned)


def _witnesses(run: Run, ledger: LedgerReader, signed: SignedCheckpoint) -> Iterator[Check]:
    """Say how far the anchoring is behind and which witnesses fail; nothing where the log has none.

    How far is shown by what the log has signed, and under a pinned policy by what its quorum has; the rest
    is the service's word.
    """
    policy, told = run.policy, signed.witnessing
    if told is None and policy is None:
        return
    try:
        anchored = _anchored(run, policy, signed)
    except TlogError as error:
        yield check(run, "witnesses", FAIL, "doctor.anchored_invalid", reason=error.reason)
        return
    pending = max(signed.checkpoint.size - anchored, 0)
    waiting = _block_from(ledger, anchored, signed) if pending else None
    waited = max(time.time() - waiting.time_ms / 1000, 0) if waiting else 0
    figures = {"anchored_size": anchored, "pending": pending, "pending_seconds": round(waited, 1)}
    lines = [run.text("doctor.pending" if pending else "doctor.anchored", **figures), *_told(run, told)]
    detail = ("" if run.lang == "zh" else " ").join(lines)
    yield Check("witnesses", _state(told), detail, {**figures, **_figures(told)})


def _anchored(run: Run, policy: Policy | None, signed: SignedCheckpoint) -> int:
    """Return the size up to which the log is anchored, by the pinned policy if there is one."""
    if not signed.anchored:
        return 0
    if policy is not None:
        return open_by_policy(signed.anchored, policy)[0].size
    return open_checkpoint(signed.anchored, (signed.key, *run.profile.log_keys)).size


def _state(told: Witnessing | None) -> str:
    if told is not None and told.late:
        return FAIL
    return WARN if told is None or told.quorum_missing or told.faults else OK


def _told(run: Run, told: Witnessing | None) -> Iterator[str]:
    if told is None:
        yield run.text("doctor.witnesses_unasked")
        return
    if told.late:
        yield run.text("doctor.quorum_late")
    elif told.quorum_missing:
        yield run.text("doctor.quorum_missing")
    if not told.asks:
        yield run.text("doctor.witnesses_elsewhere")
    for name, kind in told.faults.items():
        yield run.text(_FAULTS.get(kind, "doctor.witness_fails"), witness=name)


def _figures(told: Witnessing | None) -> dict[str, Any]:
    if told is None:
        return {}
    reached = not told.quorum_missing if told.asks else None
    return {"late": told.late, "asks": told.asks, "quorum_reached": reached, "faults": dict(told.faults)}
