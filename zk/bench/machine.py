"""What the figures were measured on, without a name or a path that would tell whose machine it was."""

import os
import platform
from importlib import metadata
from pathlib import Path

LIBRARIES = (
    "cryptography",
    "grpcio",
    "protobuf",
    "py-arkworks-bls12381",
    "py-ecc",
    "pytest-benchmark",
    "sqlalchemy",
    "zk-native",
)


def describe() -> dict[str, object]:
    """Return processor, memory, system and the versions of what was measured."""
    return {
        "processor": _field("/proc/cpuinfo", "model name") or platform.machine(),
        "cores": os.cpu_count(),
        "memory_octets": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "libraries": {name: _version(name) for name in LIBRARIES},
    }


def _field(path: str, name: str) -> str:
    for line in Path(path).read_text().splitlines() if Path(path).exists() else ():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
