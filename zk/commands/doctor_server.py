"""What `zk doctor` looks at of a server: its dependencies, what its metrics port tells, and its folder."""

import datetime as dt
import shutil
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import grpc
import httpx
from cryptography import x509
from grpc_health.v1 import health_pb2, health_pb2_grpc
from sqlalchemy.exc import SQLAlchemyError

from wire.client import ServiceError, call
from zk.commands.checking import FAIL, OK, WARN, Check, check
from zk.commands.serve import settings_of
from zk.exits import CommandError
from zk.failure import explain
from zk.home import read_secret
from zk.run import Run
from zkproto.v1 import operation_pb2, operation_pb2_grpc
from zkservice import tls
from zkservice.config import Settings
from zkservice.storage import schema_version
from zkservice.storage.database import open_engine, sqlite_file

_DEPENDENCIES: Final = ("database", "sequencer", "workers", "certificate")
"""Their names in a server's health; an older server has none of them."""
_SERVING: Final = health_pb2.HealthCheckResponse.SERVING
_SKEW: Final = dt.timedelta(minutes=2)
_ENDS_SOON: Final = dt.timedelta(days=21)
_LITTLE: Final = 10 << 30
"""With fewer octets left where the data folder is, a warning."""
_FEW: Final = 1 << 30
"""With fewer, a fault."""
_SECONDS: Final = 5.0
_ANSWER_OCTETS: Final = 64 << 10


def readiness(run: Run) -> Check:
    """Ask the server's health for each dependency."""
    with run.endpoint.channel() as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        try:
            missing = [each for each in _DEPENDENCIES if not _serves(stub.Check, each)]
        except grpc.RpcError as error:
            code = error.code() if isinstance(error, grpc.Call) else None
            if code is grpc.StatusCode.NOT_FOUND:
                return check(run, "readiness", WARN, "doctor.readiness_unknown")
            problem = code.name if code is not None else type(error).__name__
            return check(run, "readiness", FAIL, "doctor.readiness_unasked", problem=problem)
    if missing:
        return check(run, "readiness", FAIL, "doctor.readiness_missing", missing=", ".join(missing))
    return check(run, "readiness", OK, "doctor.readiness", names=", ".join(_DEPENDENCIES))


def _serves(ask: Any, name: str) -> bool:
    request = health_pb2.HealthCheckRequest(service=name)
    return bool(ask(request, timeout=_SECONDS).status == _SERVING)


def status(run: Run, secret: Path) -> Check:
    """Ask the server what it tells its operator alone."""
    try:
        with run.endpoint.channel() as channel:
            stub: Any = operation_pb2_grpc.OperationServiceStub(channel)
            found = call(stub.GetStatus, operation_pb2.GetStatusRequest(), token=read_secret(secret))
    except (ServiceError, CommandError) as error:
        sentence = explain(error, run.lang, way=run.way(), full=run.as_json).sentence()
        return Check("status", FAIL, sentence, {})
    short = [each.kind for each in found.workers if not each.alive]
    return check(
        run,
        "status",
        FAIL if short else OK,
        "doctor.status",
        version=found.version,
        workers=", ".join(f"{each.kind} {each.alive}" for each in found.workers),
        restarts=sum(each.restarts for each in found.workers),
        pending=found.log.pending,
        sequences=found.log.sequences,
        anonymous=_limit(found.limits.anonymous),
        named=_limit(found.limits.named),
    )


def _limit(limit: operation_pb2.LimitStatus) -> str:
    return f"{limit.rate:g}/{limit.burst:g}/{limit.calls}"


def told(run: Run, url: str) -> Iterator[Check]:
    """Ask a server's metrics port: its readiness, its clock, its version."""
    before = dt.datetime.now(dt.UTC)
    try:
        answer = _asked(f"{url.rstrip('/')}/ready")
        ready, missing = bool(answer["ready"]), ", ".join(map(str, answer["missing"]))
        clock, version = dt.datetime.fromisoformat(answer["time"]), str(answer["version"])
        skew = clock - (before + (dt.datetime.now(dt.UTC) - before) / 2)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
        yield check(run, "metrics", FAIL, "doctor.metrics_silent", url=url, problem=type(error).__name__)
        return
    if missing:
        state = WARN if ready else FAIL
        yield check(run, "metrics", state, "doctor.metrics_missing", url=url, missing=missing)
    else:
        yield check(run, "metrics", OK, "doctor.metrics", url=url)
    seconds = round(skew.total_seconds(), 1)
    yield check(run, "skew", FAIL if abs(skew) > _SKEW else OK, "doctor.skew", seconds=seconds)
    own = metadata.version("zk-disclosure")
    key = "doctor.version" if version == own else "doctor.version_other"
    yield check(run, "version", OK if version == own else WARN, key, version=version, own=own)


def _asked(url: str) -> Any:
    """Return what a resource answers, of which a small part is read; 503 is an answer too."""
    with (
        httpx.Client(timeout=_SECONDS, follow_redirects=False, trust_env=False) as client,
        client.stream("GET", url) as answer,
    ):
        if answer.status_code not in {200, 503}:
            raise ValueError(answer.status_code)
        body = bytearray()
        for piece in answer.iter_bytes():
            body += piece
            if len(body) > _ANSWER_OCTETS:
                raise ValueError
    return httpx.Response(200, content=bytes(body)).json()


def folder(run: Run, data: Path) -> Iterator[Check]:
    """Look at a server's folder, whether the server runs or not; nothing is changed."""
    if not data.is_dir():
        yield check(run, "disk", FAIL, "doctor.folder_missing", folder=data)
        return
    free = shutil.disk_usage(data).free
    state = FAIL if free < _FEW else WARN if free < _LITTLE else OK
    yield check(run, "disk", state, "doctor.disk", gigabytes=round(free / 1e9, 1), folder=data)
    settings = settings_of({"data": data})
    yield _schema(run, settings)
    yield _certificate(run, settings)


def _schema(run: Run, settings: Settings) -> Check:
    needed = schema_version.newest()
    try:
        file = sqlite_file(settings.database_url)
        if file is not None and not file.is_file():
            return check(run, "schema", WARN, "doctor.schema_none")
        engine = open_engine(settings.database_url)
        try:
            found = schema_version.current(engine)
            with engine.connect() as connection:
                oldest = schema_version.oldest_of(connection)
        finally:
            engine.dispose()
    except (SQLAlchemyError, ImportError, ValueError, OSError) as error:
        # Its text may hold what the database's URL says.
        return check(run, "schema", FAIL, "doctor.schema_unread", problem=type(error).__name__)
    if found is None:
        return check(run, "schema", WARN, "doctor.schema_none")
    if found == needed:
        return check(run, "schema", OK, "doctor.schema", schema=found)
    state = WARN if schema_version.tolerates(found, oldest) else FAIL
    return check(run, "schema", state, "doctor.schema_other", schema=found, needed=needed)


def _certificate(run: Run, settings: Settings) -> Check:
    path, _ = tls.server_files(settings)
    try:
        ends = x509.load_pem_x509_certificates(path.read_bytes())[0].not_valid_after_utc
    except (OSError, ValueError) as error:
        problem = type(error).__name__
        return check(run, "certificate_file", FAIL, "doctor.certificate_unread", path=path, problem=problem)
    left = ends - dt.datetime.now(dt.UTC)
    state = FAIL if left <= dt.timedelta() else WARN if left < _ENDS_SOON else OK
    return check(run, "certificate_file", state, "doctor.certificate", expires=ends, days=left.days)
