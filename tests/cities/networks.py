"""Parts of a network that can be cut off from one another: a namespace each, joined by a switch in its own.

Every part has one address for its cities, by which the other parts reach it through the switch, and this
process through a line of its own that nothing cuts. So a test still sees what goes on in a part that the
others have lost. Where a part is cut off nothing is refused: what is sent to it gets lost, as on a bad day.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from zk.demo.consortium.cities import Place

_SWITCH: Final = "bridge0"


class UnavailableError(Exception):
    """Why there can be no namespaces here."""


@dataclass(frozen=True)
class Network:
    """Parts by their names; all names of the system's begin with `name`, and addresses with two octets."""

    name: str
    octets: str
    second: int
    parts: tuple[str, ...]

    def place(self, part: str) -> Place:
        return Place(self._address(part), ("ip", "netns", "exec", self._space(part)))

    def cut(self, part: str) -> None:
        """Cut a part off from all others."""
        _ip("-n", self._space("switch"), "link", "set", part, "down")

    def heal(self, part: str) -> None:
        _ip("-n", self._space("switch"), "link", "set", part, "up")

    def reaches(self, part: str, url: str) -> bool:
        """Tell whether somebody in a part gets a connection to a URL."""
        at = urlsplit(url)
        script = f"import socket; socket.create_connection(({at.hostname!r}, {at.port}), 2)"
        command = [*self.place(part).within, sys.executable, "-c", script]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def make(self) -> None:
        """Lay it all; UnavailableError if the first steps already are not allowed or not known."""
        switch = self._space("switch")
        _ip("netns", "add", switch, unavailable=True)
        _ip("-n", switch, "link", "add", "name", _SWITCH, "type", "bridge", unavailable=True)
        _ip("-n", switch, "link", "set", _SWITCH, "up")
        for part in self.parts:
            self._join(part, switch)

    def _join(self, part: str, switch: str) -> None:
        space, number, line = self._space(part), self.parts.index(part) + 1, self._line(part)
        _ip("netns", "add", space)
        _ip("-n", space, "link", "set", "lo", "up")
        _ip("link", "add", "name", "cities", "netns", space, "type", "veth", "peer", "name", part,
            "netns", switch, unavailable=True)  # fmt: skip
        _ip("-n", space, "address", "add", f"{self._address(part)}/24", "dev", "cities")
        _ip("-n", space, "link", "set", "cities", "up")
        _ip("-n", switch, "link", "set", part, "master", _SWITCH)
        _ip("-n", switch, "link", "set", part, "up")
        _ip("link", "add", "name", line, "type", "veth", "peer", "name", "line", "netns", space)
        lines = f"{self.octets}.{self.second + 1}"
        _ip("address", "add", f"{lines}.{4 * number + 1}/30", "dev", line)
        _ip("-n", space, "address", "add", f"{lines}.{4 * number + 2}/30", "dev", "line")
        _ip("link", "set", line, "up")
        _ip("-n", space, "link", "set", "line", "up")
        _ip("route", "add", f"{self._address(part)}/32", "dev", line)

    def remove(self) -> None:
        """Take away what was laid, however far that came."""
        for part in self.parts:
            _ip("link", "delete", self._line(part), careless=True)
        for part in ("switch", *self.parts):
            _ip("netns", "delete", self._space(part), careless=True)

    def _space(self, part: str) -> str:
        return f"{self.name}-{part}"

    def _line(self, part: str) -> str:
        return f"{self.name}-{self.parts.index(part)}"

    def _address(self, part: str) -> str:
        return f"{self.octets}.{self.second}.{self.parts.index(part) + 1}"


@contextmanager
def joined(parts: Sequence[str]) -> Iterator[Network]:
    """Lay a network of parts that all reach one another; UnavailableError."""
    if os.geteuid() != 0:
        raise UnavailableError("not root")
    if shutil.which("ip") is None:
        raise UnavailableError("no `ip` (iproute2)")
    # The addresses are those set aside for measuring networks, and another run beside this one has others.
    number = os.getpid()
    second = number % 128 * 2
    network = Network(f"zk{number:x}", f"198.{18 + (number >> 7) % 2}", second, tuple(parts))
    try:
        network.make()
        yield network
    finally:
        network.remove()


def _ip(*arguments: str, unavailable: bool = False, careless: bool = False) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode and not careless:
        words = f"`ip {' '.join(arguments)}`: {done.stderr.strip()}"
        raise UnavailableError(words) if unavailable else RuntimeError(words)
