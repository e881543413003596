"""What every answer of the edge says, how files are handed out, and what the chain's window is told."""

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.consortium.making import LOG
from tests.consortium.watching import TimedLog
from tests.web_edge.standing import Standing, standing
from tests.zkservice.support import City, reopened
from tlog import Evidence, Policy
from tlog.accusing import contradiction
from web_edge import Pages, PagesError
from web_edge.headers import HEADERS
from web_edge.watched import Watched

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[City]:
    async with reopened(tmp_path_factory.mktemp("city")) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(town: City, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Standing]:
    async with standing(town, tmp_path_factory.mktemp("edge") / "pages") as made:
        yield made


@pytest.mark.parametrize("path", ["/", "/chain/", "/assets/plain.js", "/none", "/rpc/x", "/watched/alarms"])
async def test_every_answer_has_the_headers(edge: Standing, path: str) -> None:
    answer = await edge.http.get(path)
    for name, value in HEADERS.items():
        assert answer.headers.get_list(name) == [value]
    assert answer.headers["strict-transport-security"].startswith("max-age=")
    assert "server" not in answer.headers
    assert "set-cookie" not in answer.headers


async def test_the_policy_lets_nothing_in_from_elsewhere() -> None:
    directives = dict(each.split(" ", 1) for each in HEADERS["Content-Security-Policy"].split("; "))
    assert directives["default-src"] == "'none'"
    assert directives["frame-ancestors"] == directives["base-uri"] == directives["form-action"] == "'none'"
    assert directives["require-trusted-types-for"] == "'script'"
    for value in directives.values():
        assert not {"unsafe-inline", "unsafe-eval", "*", "http:", "https:", "data:"} & set(value.split())


async def test_what_is_hashed_is_kept_for_ever_and_the_rest_asked_again(edge: Standing) -> None:
    hashed = await edge.http.get("/assets/a-12345678.js", headers={"accept-encoding": "identity"})
    assert hashed.headers["cache-control"] == "public, max-age=31536000, immutable"
    for path in ("/", "/assets/plain.js"):
        answer = await edge.http.get(path)
        assert answer.headers["cache-control"] == "no-cache"
        again = await edge.http.get(path, headers={"if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        other = await edge.http.get(path, headers={"if-none-match": '"other"'})
        assert other.status_code == 200


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, br", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("br;q=0.0, gzip;q=0", None),
        ("identity", None),
        ("brotli", None),
    ],
)
async def test_the_form_that_is_taken_is_handed_out(
    edge: Standing, accepted: str, coding: str | None
) -> None:
    async with edge.http.stream(
        "GET", "/assets/a-12345678.js", headers={"accept-encoding": accepted}
    ) as answer:
        body = b"".join([each async for each in answer.aiter_raw()])
    assert answer.headers.get("content-encoding") == coding
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    expected = {"br": b"brotli", "gzip": b"gzip", None: b"content of assets/a-12345678.js\n" * 50}
    assert body == expected[coding]


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.key", "/%2e%2e/secret.key", "/secret.key", "/assets/", "/assets/..%2findex.html",
        "/chain/index.html/", "/chain//", "/index.html.br", "/assets/a-12345678.js.br", "/%00",
    ],
)  # fmt: skip
async def test_nothing_but_the_pages_is_there(edge: Standing, path: str) -> None:
    answer = await edge.http.get(path)
    assert answer.status_code == 404
    assert b"secret" not in answer.content


async def test_a_page_has_one_address(edge: Standing) -> None:
    answer = await edge.http.get("/chain")
    assert (answer.status_code, answer.headers["location"]) == (308, "/chain/")
    assert (await edge.http.get("/chain/")).text.startswith("content of chain/index.html")


async def test_plain_http_promises_no_tls(town: City, tmp_path: Path) -> None:
    nothing = {"certificate": None, "private_key": None}
    async with standing(town, tmp_path / "pages", **nothing) as edge:
        answer = await edge.http.get(f"http://localhost:{edge.port}/")
    assert "strict-transport-security" not in answer.headers


async def test_a_folder_without_pages_is_told(tmp_path: Path) -> None:
    with pytest.raises(PagesError, match=r"scripts/web\.sh"):
        Pages(tmp_path)


async def test_the_alarms_are_those_whose_evidence_holds(town: City, tmp_path: Path) -> None:
    folder = tmp_path / "monitor/alarms"
    folder.mkdir(parents=True)
    honest, other = TimedLog().grow(2), TimedLog(seed=1).grow(2)
    evidence = contradiction(honest.note, other.note, [LOG.verifier], [])[0]
    (folder / "split_view-0123456789abcdef.json").write_bytes(evidence.to_bytes())
    (folder / "split_view-ffffffffffffffff.json").write_bytes(
        evidence.to_bytes().replace(b"SPLIT_VIEW", b"ROLLED_BACK")
    )
    (folder / "garbage.json").write_bytes(b"{}")
    (folder / "UPPER.json").write_bytes(evidence.to_bytes())
    os.symlink(folder / "split_view-0123456789abcdef.json", folder / "link.json")
    watched = Watched(Policy.of_log(LOG.verifier), tmp_path / "monitor")
    async with standing(town, tmp_path / "pages", watched=watched) as edge:
        told = (await edge.http.get("/watched/alarms")).json()
        assert told["watched"] is True
        (alarm,) = told["alarms"]
        assert (alarm["kind"], alarm["grade"].lower()) == ("SPLIT_VIEW", "proven")
        assert alarm["accused"] == [str(LOG.verifier)]
        found = await edge.http.get(f"/watched/alarms/{alarm['evidence']}")
        assert Evidence.parse(found.content).verify().kind.value == "SPLIT_VIEW"
        for name in ("link.json", "UPPER.json", "..%2f..%2fpages%2findex.html", "none.json"):
            assert (await edge.http.get(f"/watched/alarms/{name}")).status_code == 404
        assert (await edge.http.get("/watched/policy")).content == Policy.of_log(LOG.verifier).to_bytes()


async def test_the_service_that_pages_speak_to_is_named(town: City, tmp_path: Path) -> None:
    async with standing(town, tmp_path / "pages") as edge:
        told = await edge.http.get("/watched/service")
        assert told.json() == {"server": town.ready.address}
        assert told.headers["cache-control"] == "no-store"
        assert (await edge.http.post("/watched/service")).status_code == 405


async def test_evidence_is_verified_once_and_again_when_its_file_is_another(
    town: City, tmp_path: Path
) -> None:
    folder = tmp_path / "monitor/alarms"
    folder.mkdir(parents=True)
    notes = [TimedLog(seed=seed).grow(2).note for seed in (0, 1)]
    octets = contradiction(notes[0], notes[1], [LOG.verifier], [])[0].to_bytes()
    file, other = folder / "split_view-1.json", folder / "split_view-2.json"
    file.write_bytes(octets)
    async with standing(town, tmp_path / "pages", watched=Watched(None, tmp_path / "monitor")) as edge:

        async def told() -> list[str]:
            alarms = (await edge.http.get("/watched/alarms")).json()["alarms"]
            return [each["evidence"] for each in alarms]

        assert await told() == [file.name]
        before = file.stat()
        file.write_bytes(b"x" * len(octets))
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert await told() == [file.name], "of the same time and size it is not read again"
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
        assert await told() == []
        file.write_bytes(octets)
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 2))
        other.write_bytes(octets)
        os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns + 10**9))
        assert await told() == [other.name, file.name]
        other.unlink()
        assert await told() == [file.name]
        file.write_bytes(octets + b"x")
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 2))
        assert await told() == []


async def test_without_a_monitor_nobody_watches(edge: Standing) -> None:
    assert json.loads((await edge.http.get("/watched/alarms")).content) == {"watched": False, "alarms": []}
    assert (await edge.http.get("/watched/policy")).status_code == 404
    assert (await edge.http.get("/watched/alarms/x.json")).status_code == 404
