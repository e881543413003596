"""Asking addresses that came from outside: where nothing is asked, and what is taken of an answer."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx
import pytest

from openid.errors import OpenIdError, OpenIdReason
from openid.wallet.fetching import Fetcher

INSIDE = [
    "127.0.0.1", "10.0.0.1", "172.16.0.9", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:10.0.0.1",
    "64:ff9b::a00:1", "64:ff9b::7f00:1", "2002:a00:1::1", "2001:db8::1", "fec0::1", "feff::1",
    "64:ff9b:1::a00:1", "64:ff9b:1:ffff::5db8:d70e", "::10.0.0.1", "::7f00:1", "::5db8:d70e",
    "::ffff:0:10.0.0.1", "::ffff:0:5db8:d70e", "100::1", "5f00::1", "3fff::1", "4000::1", "1fff::1",
    "2001::1", "2001:2::1", "2001:20::1", "192.0.0.9", "192.88.99.1", "fc00::93.184.215.14",
]  # fmt: skip


def refused(reason: OpenIdReason, fetcher: Fetcher, url: str) -> None:
    with pytest.raises(OpenIdError, match=f"^{reason.value}"):
        fetcher.get(url, 100, "*/*")


@pytest.mark.parametrize("address", INSIDE)
def test_a_name_that_leads_inside_is_never_connected(address: str) -> None:
    """Also beside an address of the public internet: which one is taken is nobody's choice."""
    for found in ([address], ["93.184.215.14", address], [address, "2606:2800:21f:cb07:6820:80da:af6b:8b2c"]):
        looked = Fetcher(resolve=lambda host, port, found=found: found)  # type: ignore[misc]
        refused(OpenIdReason.ADDRESS_REFUSED, looked, "https://innocent.example/")


@pytest.mark.parametrize(
    "url",
    [
        "http://school.example/", "ftp://school.example/", "file:///etc/passwd", "//school.example/", "",
        "https://", "https://user@school.example/", "https://user:word@school.example/", "https:///x",
        "https://school.example/#fragment", "https://scho ol.example/", "https://school.example/\n",
        "https://127.0.0.1/", "https://[::1]/", "https://2130706433/", "https://0x7f.1/", "https://school.example/城",
        "https://school.example/" + "x" * 3000, "https://localhost/", "https://localhost:8443/",
    ],
    ids=range(20),
)  # fmt: skip
def test_an_address_that_may_not_be_asked(url: str) -> None:
    def resolve(host: str, port: int) -> list[str]:
        # What the system would find of it: numbers in every spelling are this machine.
        return ["127.0.0.1"]

    refused(OpenIdReason.ADDRESS_REFUSED, Fetcher(resolve=resolve), url)


def test_in_development_this_machine_and_no_other_is_asked() -> None:
    for address in set(INSIDE) - {"127.0.0.1", "::1"}:
        looked = Fetcher(local=True, resolve=lambda host, port, found=address: [found])  # type: ignore[misc]
        refused(OpenIdReason.ADDRESS_REFUSED, looked, "https://innocent.example/")
    public = Fetcher(local=True, resolve=lambda host, port: ["93.184.215.14"])
    refused(OpenIdReason.ADDRESS_REFUSED, public, "http://school.example/")


def test_a_name_without_an_address_is_not_reached() -> None:
    def nothing(host: str, port: int) -> list[str]:
        raise OSError

    refused(OpenIdReason.EDGE_UNREACHABLE, Fetcher(resolve=nothing), "https://school.example/")
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        refused(OpenIdReason.EDGE_UNREACHABLE, Fetcher(local=True), f"http://localhost:{port}/")


@contextmanager
def answering(octets: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """Answer one request with these octets; gives the address, and what was asked."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                asked.append(connection.recv(65_536))
                connection.sendall(octets)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://localhost:{listener.getsockname()[1]}/request/x", asked
        thread.join(60)


def answer(head: str, body: bytes = b"body") -> bytes:
    return f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body


def test_an_answer_is_taken_and_says_what_it_is() -> None:
    told = answer("404 No\r\nContent-Type: Application/JSON; charset=utf-8\r\nSet-Cookie: a=b")
    with answering(told) as (url, asked):
        got = Fetcher(local=True).get(url, 100, "application/json")
    assert (got.status, got.media_type, got.body) == (404, "application/json", b"body")
    assert b"body" not in repr(got).encode()
    (sent,) = asked
    assert sent.startswith(b"GET /request/x HTTP/1.1\r\n")
    assert f"host: {url.split('/')[2]}\r\n".encode() in sent.lower()
    assert b"cookie" not in sent.lower()


@pytest.mark.parametrize(
    "told",
    [
        answer("200 OK", bytes(101)),
        answer("302 Found\r\nLocation: http://localhost/", b""),
        answer("200 OK\r\nContent-Encoding: gzip"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n" + bytes(255) + b"\r\n0\r\n\r\n",
    ],
    ids=["too long", "redirect", "compressed", "too long in pieces"],
)
def test_what_nobody_asked_for_is_not_taken(told: bytes) -> None:
    with answering(told) as (url, _):
        refused(OpenIdReason.EDGE_ANSWER_INVALID, Fetcher(local=True), url)


@pytest.mark.parametrize(
    "told", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nx"]
)
def test_an_answer_that_is_none_is_as_good_as_nobody(told: bytes) -> None:
    with answering(told) as (url, _):
        refused(OpenIdReason.EDGE_UNREACHABLE, Fetcher(local=True), url)


@contextmanager
def dripping(first: bytes) -> Iterator[str]:
    """Send `first`, and then an octet of a header, of nonsense or of a body ever so often, without an end."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.recv(65_536)
                connection.sendall(first)
                while not ended.wait(0.05):
                    connection.sendall(b"a")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://localhost:{listener.getsockname()[1]}/"
        ended.set()
        thread.join(60)


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX: ",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n",
    ],
    ids=["status", "header", "body until the end", "body"],
)
def test_an_answer_that_drips_ends_with_the_whole_time(first: bytes) -> None:
    """Each octet comes in time; a body whose end is the connection's is not taken for a whole one."""
    with dripping(first) as url, pytest.raises(OpenIdError, match="EDGE_UNREACHABLE"):
        Fetcher(local=True, seconds=1).get(url, 1 << 20, "*/*")


def test_a_handshake_that_drips_ends_with_the_whole_time() -> None:
    # The head of a record of TLS that is long, and comes slowly.
    with dripping(b"\x16\x03\x03\x3f\xff") as url, pytest.raises(OpenIdError, match="EDGE_UNREACHABLE"):
        Fetcher(local=True, seconds=1).get(url.replace("http:", "https:"), 1 << 20, "*/*")


def test_a_root_that_is_no_certificate_is_refused() -> None:
    with pytest.raises(OpenIdError, match="ADDRESS_REFUSED"):
        Fetcher(root=b"nothing")


def test_what_the_public_internet_has_is_asked() -> None:
    """Over its address it is only not reached: nothing is sent anywhere before that is known."""
    for address in ("93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e"):
        looked = Fetcher(resolve=lambda host, port, found=address: [found])  # type: ignore[misc]
        assert looked._address(httpx.URL("https://school.example/"), 443) == address
