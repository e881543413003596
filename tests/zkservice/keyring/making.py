"""Providers' keys, and folders whose keyring is wrapped by one."""

import base64
import datetime as dt
import os
import secrets
import stat
import sys
from pathlib import Path
from typing import Any

from zkservice.keyring.providers import LocalProvider

NOW = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
VARIABLE = "ZK_KEYRING_KEY"


def key_file(path: Path) -> Path:
    """Make a provider's key in a file of its own."""
    path.write_bytes(secrets.token_bytes(32))
    path.chmod(0o600)
    return path


def local() -> LocalProvider:
    return LocalProvider("file", secrets.token_bytes(32))


def by_file(path: Path) -> dict[str, Any]:
    """Return the settings of a provider whose key is in a file, which is made unless it is there."""
    return {"key_provider": "file", "key_file": str(path if path.exists() else key_file(path))}


def set_variable() -> bytes:
    """Put a key into the environment, as a service manager does; return it."""
    key = secrets.token_bytes(32)
    os.environ[VARIABLE] = base64.b64encode(key).decode()
    return key


def program(path: Path, body: str) -> Path:
    """Write an operator's program in Python, of which `body` handles `verb`, `context` and `octets`."""
    path.write_text(
        f"#!{sys.executable}\n"
        "import base64, hashlib, json, sys, time\n"
        "verb, asked = sys.argv[-1], json.load(sys.stdin)\n"
        "assert set(asked) == {'context', 'octets'}\n"
        "context, octets = (base64.b64decode(asked[each]) for each in ('context', 'octets'))\n"
        "def give(found): print(json.dumps({'octets': base64.b64encode(found).decode()}))\n"
        f"{body}\n"
    )
    path.chmod(stat.S_IRWXU)
    return path


TOY = """
# No cipher to copy: it shows the protocol, and tells contexts apart.
tag = hashlib.sha256(b'kms' + context).digest()
if verb == 'wrap':
    give(tag + bytes(each ^ 0x5a for each in octets))
elif octets[:32] == tag:
    give(bytes(each ^ 0x5a for each in octets[32:]))
else:
    sys.exit(3)
"""
