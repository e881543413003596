"""The image is really built and run, where programs for it are there: as nobody, on a root that is read-only.

Registries of images are not asked. Debian is laid into a folder by debootstrap and stands in for both base
images, with this machine's Rust toolchain and certificate authorities; the file's steps run as they stand.
"""

import json
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("buildah", "podman", "runc", "debootstrap", "rustc")
MISSING = [each for each in NEEDED if shutil.which(each) is None]
STAND_IN = """\
FROM localhost/base
COPY authorities.pem /etc/machine.pem
ENV PIP_CERT=/etc/machine.pem CARGO_HTTP_CAINFO=/etc/machine.pem CARGO_HOME=/tmp/cargo \\
    PATH=/opt/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
"""
CLOSED = (
    "--read-only", "--read-only-tmpfs=false", "--tmpfs", "/tmp", "--cap-drop", "all",
    "--security-opt", "no-new-privileges", "--network", "host",
    "--ulimit", "nofile=4096:4096", "--ulimit", "nproc=1024:1024",
)  # fmt: skip
pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(os.getuid() != 0, reason="not run: only root builds the image here"),
    pytest.mark.skipif(bool(MISSING), reason=f"not run: not here: {', '.join(MISSING)} (Debian's packages)"),
]


@dataclass(frozen=True)
class Engine:
    """Podman and buildah on a store of the test's own."""

    folder: Path

    def podman(self, *arguments: object) -> str:
        return self._run("podman", "--cgroup-manager=cgroupfs", "--runtime=runc", *self._store(), *arguments)

    def build(self, tag: str, *arguments: object) -> None:
        self._run(
            "buildah", *self._store(), "bud", "--isolation=chroot", "--format=docker", "-t", tag, *arguments
        )

    def _store(self) -> tuple[str, ...]:
        return "--storage-driver=vfs", f"--root={self.folder / 'store'}", f"--runroot={self.folder / 'run'}"

    def _run(self, *command: object) -> str:
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done.stdout


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("engine")
    made = Engine(folder)
    debian = folder / "debian"
    included = "--include=ca-certificates,python3,python3-venv"
    subprocess.run(
        ["debootstrap", "--variant=minbase", included, "bookworm", str(debian)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    subprocess.run(["tar", "-C", str(debian), "-cf", str(folder / "base.tar"), "."], check=True)
    made.podman("import", folder / "base.tar", "localhost/base")
    context = folder / "context"
    context.mkdir()
    shutil.copy(
        ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt",
        context / "authorities.pem",
    )
    (context / "Containerfile").write_text(STAND_IN)
    made.build("localhost/stand-in", context)
    toolchain = subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True, check=True)
    made.build(
        "localhost/zk-disclosure", "-f", ROOT / "deploy" / "container" / "Containerfile",
        "-v", f"{Path(toolchain.stdout.strip()).resolve()}:/opt/rust:ro",
        "--build-arg", "BASE=localhost/stand-in", "--build-arg", "RUST=localhost/stand-in", ROOT,
    )  # fmt: skip
    yield made
    shutil.rmtree(folder, ignore_errors=True)


def test_the_image_serves_closed_in_and_ends_cleanly(engine: Engine, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    os.chown(data, 10001, 10001)
    engine.podman(
        "run", "--detach", "--name", "server", *CLOSED, "-e", f"ZK_PORT={port}", "-e", "ZK_PROCESSES=1",
        "-v", f"{data}:/var/lib/zk", "localhost/zk-disclosure", "serve", "--json", "--dev",
    )  # fmt: skip
    try:
        _ready(engine)
        engine.podman("exec", "server", "python", "/opt/zk/health.py")
        assert engine.podman("exec", "server", "id", "-u").strip() == "10001"
        with pytest.raises(AssertionError, match="Read-only file system"):
            engine.podman("exec", "server", "touch", "/opt/zk/written")
        group = "import bbs; print(bbs.groups.default().name)"
        assert engine.podman("exec", "server", "python", "-c", group).strip() == "blst"
        with pytest.raises(AssertionError, match="No module named pip"):
            engine.podman("exec", "server", "python", "-m", "pip")
        engine.podman("stop", "--time", "60", "server")
        assert engine.podman("inspect", "server", "--format", "{{.State.ExitCode}}").strip() == "0"
    finally:
        engine.podman("rm", "--force", "server")


def test_the_health_check_fails_where_no_server_is(engine: Engine) -> None:
    with pytest.raises(AssertionError, match="not healthy"):
        engine.podman(
            "run", "--rm", *CLOSED, "--entrypoint", "python", "localhost/zk-disclosure", "/opt/zk/health.py"
        )


def _ready(engine: Engine) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        lines = [each for each in engine.podman("logs", "server").splitlines() if each.startswith("{")]
        if any(json.loads(each).get("event") == "ready" for each in lines):
            return
        time.sleep(1)
    raise AssertionError(f"the server did not become ready: {engine.podman('logs', 'server')}")
