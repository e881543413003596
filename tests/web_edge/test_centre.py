"""The resource centre's routes over a real edge and service: who may read, and what strangers get."""

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest
import pytest_asyncio

from disclosure import PolicyName, civil_date
from tests.web_edge.standing import Standing, endpoint_of, standing
from tests.zkservice import queueing
from tests.zkservice.allowing import allowed
from tests.zkservice.counting import access
from tests.zkservice.pushes import Pusher, record
from tests.zkservice.revoking import Office, new_handles
from tests.zkservice.stored import change
from tests.zkservice.support import PERMIT, TEXT, City, city
from tlog import ReceiptState
from web_edge.centre import COOKIE
from web_edge.counter import COOKIE as OF_COUNTER
from web_edge.sessions import SESSIONS, TRIES
from zk.centre import FOLLOWED, PAGE, SUMS, opened_books

pytestmark = pytest.mark.asyncio(loop_scope="module")
CODE = "the centre's own code"
TODAY = civil_date(dt.datetime.now(dt.UTC))
ENDED = (TODAY.replace(day=1) - dt.timedelta(days=1)).isoformat()[:7]
RANGE = f"first={TODAY - dt.timedelta(days=300)}&last={TODAY}"
OVER = f"first={TODAY - dt.timedelta(days=9)}&last={TODAY - dt.timedelta(days=1)}"
LISTINGS = {
    "departments": "departments",
    "items": "items",
    "purposes": "purposes",
    "verifiers": "verifiers",
    "policies": "policies",
    "revocations": "revocations",
    "statistics": f"statistics?{RANGE}&by=department",
    "published": f"published?month={ENDED}",
    "queue": f"queue?{OVER}",
    "pushes": "pushes",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[City]:
    async with city(tmp_path_factory.mktemp("city")) as made:
        await made.add_policy(allowed(PolicyName("school", "counter", 1), [PERMIT], TEXT))
        for each in ReceiptState:
            name = PolicyName("school", f"once-{each.value}", 1)
            await made.add_policy(replace(allowed(name, [PERMIT], TEXT), receipt=each))
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def token(town: City) -> str:
    return await access(town)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(town: City, token: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Standing]:
    async with standing(town, tmp_path_factory.mktemp("centre") / "pages", **_given(town, token)) as made:
        yield made


def _given(town: City, token: str) -> dict[str, Any]:
    return {"books": lambda: opened_books(endpoint_of(town), token), "centre_code": CODE}


def _own(edge: Standing, **changed: str) -> dict[str, str]:
    own = {"origin": edge.origin, "content-type": "application/json"}
    return own | {name.replace("_", "-"): value for name, value in changed.items()}


@asynccontextmanager
async def _signed_in(edge: Standing) -> AsyncIterator[httpx.AsyncClient]:
    async with edge.client_from("127.0.0.1") as http:
        signed = await http.post("/centre/session", json={"code": CODE}, headers=_own(edge))
        assert signed.status_code == 204
        yield http


async def _rows(http: httpx.AsyncClient, listing: str, **asked: str) -> list[dict[str, Any]]:
    """Read all pages of a listing."""
    found = list[dict[str, Any]]()
    while True:
        answer = await http.get(f"/centre/books/{listing}", params=asked)
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        page = answer.json()
        assert len(page["rows"]) <= (SUMS if listing == "statistics" else PAGE)
        found += page["rows"]
        if not page["next"]:
            return found
        asked["page"] = page["next"]


async def test_what_is_registered_is_told(edge: Standing) -> None:
    async with _signed_in(edge) as http:
        departments = {each["name"]: each for each in await _rows(http, "departments")}
        assert departments["departments/police"]["since"].endswith("Z")
        assert {"zh", "en", "identifies"} <= set(departments["departments/police"])
        verifiers = await _rows(http, "verifiers")
        assert [each["name"] for each in verifiers] == ["verifiers/bank", "verifiers/school"]
        (policy,) = [
            each for each in await _rows(http, "policies") if each["name"].endswith("policies/counter@1")
        ]
        assert (policy["verifier"], policy["state"]) == ("verifiers/school", "active")
        assert policy["items"][0]["item"] == "departments/police/schemas/residence_permit"
        assert await _rows(http, "policies", parent="verifiers/school")
        assert any(each["name"] == policy["purpose"] for each in await _rows(http, "purposes"))


async def test_which_receipt_a_policy_demands_is_told(edge: Standing) -> None:
    async with _signed_in(edge) as http:
        told = {each["name"].rpartition("/")[2]: each["receipt"] for each in await _rows(http, "policies")}
    assert told["counter@1"] == ""  # it says nothing of it
    assert {each: told[f"once-{each}@1"] for each in ("pending", "anchored", "ordered")} == {
        "pending": "pending", "anchored": "anchored", "ordered": "ordered",
    }  # fmt: skip


async def test_a_long_listing_comes_by_pages(town: City, edge: Standing) -> None:
    names = [f"many-{each:03}" for each in range(PAGE + 2)]
    for each in names:
        await town.add_department(each)
    async with _signed_in(edge) as http:
        first = (await http.get("/centre/books/departments")).json()
        assert len(first["rows"]) == PAGE
        assert first["next"]
        told = [each["name"] for each in await _rows(http, "departments")]
    assert [each for each in told if "many-" in each] == [f"departments/{each}" for each in names]
    assert told == sorted(set(told))


async def test_uses_are_counted_by_whatever_is_asked(town: City, edge: Standing) -> None:
    await town.answered(await town.claim(await town.issue()))
    asked = {"first": TODAY.isoformat(), "last": (TODAY + dt.timedelta(days=2)).isoformat()}
    async with _signed_in(edge) as http:
        by_department = await _rows(http, "statistics", by="department", **asked)
        assert {each["kind"] for each in by_department} == {"offered", "claimed", "asked", "answered"}
        assert {(each["of"], each["count"]) for each in by_department} == {("departments/police", 1)}
        by_verifier = await _rows(http, "statistics", by="verifier", **asked)
        assert {each["kind"]: each["of"] for each in by_verifier} == {
            "offered": "", "claimed": "", "asked": "verifiers/school", "answered": "verifiers/school",
        }  # fmt: skip
        days = [
            dt.date.fromisoformat(each["of"]) for each in await _rows(http, "statistics", by="day", **asked)
        ]
        assert len(days) == 4
        assert all(TODAY <= each <= TODAY + dt.timedelta(days=1) for each in days)
        assert len(await _rows(http, "statistics", by="policy", **asked)) == 4
        assert len(await _rows(http, "statistics", by="purpose", **asked)) == 4


async def test_many_sums_come_by_pages(town: City, edge: Standing) -> None:
    first, columns = dt.date(2020, 1, 1), "day, what, verifier, policy, department, n"
    days = [first + dt.timedelta(days=each) for each in range(400)]
    values = ", ".join(
        f"('{each}', '{kind}', 'v', '', '', 1)" for each in days for kind in ("asked", "answered")
    )
    change(town.ready.data, f"insert into statistic ({columns}) values {values}")
    async with _signed_in(edge) as http:
        found = await _rows(http, "statistics", first=str(first), last=str(days[-1]), by="day")
        assert len({(each["of"], each["kind"]) for each in found}) == len(found) == 2 * len(days) > SUMS
        late = f"statistics?first={first}&last={first + dt.timedelta(days=401)}&by=day"
        assert (await http.get(f"/centre/books/{late}")).status_code == 400


async def test_what_is_told_of_a_month_stays_in_steps(town: City, edge: Standing) -> None:
    columns = "day, what, verifier, policy, department, n"
    for verifier, n in (("verifiers/bank", 4), ("verifiers/school", 903)):
        row = (f"{ENDED}-02", "asked", verifier, "", "", n)
        change(town.ready.data, f"insert into statistic ({columns}) values (?, ?, ?, ?, ?, ?)", *row)
    async with _signed_in(edge) as http:
        told = (await http.get("/centre/books/published", params={"month": ENDED})).json()
    assert told == {
        "rows": [{"kind": "asked", "of": "verifiers/school", "count": 900}], "next": "", "least": 5,
    }  # fmt: skip


async def test_applications_are_told_in_steps_and_of_days_that_are_over(town: City, edge: Standing) -> None:
    queueing.put(town.ready.data, "open", 6, 5)
    queueing.put(town.ready.data, "open", 9, 0)
    queueing.put(town.ready.data, "refused", 12, 5, 2)
    queueing.put(town.ready.data, "cancelled", 4, 5, 2)
    day = (TODAY - dt.timedelta(days=2)).isoformat()
    async with _signed_in(edge) as http:
        told = (await http.get(f"/centre/books/queue?{OVER}")).json()
    assert told == {
        "rows": [{"item": "departments/police/items/residence_permit", "count": 5, "oldest_days": 4}],
        "decided": [
            {
                "day": day, "department": "departments/police",
                "approved": 0, "refused": 10, "cancelled": 0,
            },
        ],
        "until": (TODAY - dt.timedelta(days=1)).isoformat(),
        "least": 5,
        "next": "",
    }  # fmt: skip


async def test_pushes_are_told_with_how_far_they_are(town: City, edge: Standing) -> None:
    pusher = Pusher(town, town.department_token)
    name = (await pusher.push([record(each) for each in range(8)])).push
    await pusher.push([record(each) for each in range(3)])
    async with _signed_in(edge) as http:
        (running,) = await _rows(http, "pushes")
        await pusher.finish(name)
        (finished,) = await _rows(http, "pushes")
    assert running == {
        "id": running["id"], "schema": str(PERMIT.name), "state": "running", "day": TODAY.isoformat(),
        "issued": 5, "unchanged": 0, "replaced": 0, "renewed": 0, "rejected": 0, "withdrawn": 0,
    }  # fmt: skip
    assert finished == running | {"state": "finished"}
    assert name not in str(running)


async def test_lists_of_revocations_are_told_by_department(town: City, edge: Standing) -> None:
    token = await town.add_department("revoking")
    older = await Office.open(town, "revoking", token)
    office = await Office.open(town, "revoking", token)
    await office.revoke(*new_handles(3))
    async with _signed_in(edge) as http:
        rows = {each["name"]: each["lists"] for each in await _rows(http, "revocations")}
    told = [(each["name"], each["epoch"], each["revoked"]) for each in rows["departments/revoking"]]
    assert told == [(office.name, 1, 3), (older.name, 0, 0)]
    assert all(each["since"].endswith("Z") for each in rows["departments/revoking"])
    assert len(rows) > FOLLOWED


@pytest.mark.parametrize("listing", list(LISTINGS))
async def test_nothing_without_a_session(edge: Standing, listing: str) -> None:
    path = f"/centre/books/{LISTINGS[listing]}"
    for cookie in ("", f"{COOKIE}=AAAA", f"{OF_COUNTER}=AAAA"):
        refused = await edge.http.get(path, headers={"cookie": cookie} if cookie else {})
        assert (refused.status_code, refused.text) == (401, "SIGNED_OUT\n")
    async with _signed_in(edge) as http:
        assert (await http.get(path)).status_code == 200
        assert (await http.get(path, headers={"sec-fetch-site": "cross-site"})).status_code == 403
        renamed = {"cookie": f"{OF_COUNTER}={http.cookies[COOKIE]}"}
        assert (await edge.http.get(path, headers=renamed)).status_code == 401
        assert (await http.post(path, json={}, headers=_own(edge))).status_code == 405


async def test_the_cookie_is_for_this_origin_and_no_script(edge: Standing) -> None:
    async with edge.client_from("127.0.0.1") as http:
        signed = await http.post("/centre/session", json={"code": CODE}, headers=_own(edge))
        told = signed.headers["set-cookie"].lower()
        assert told.startswith("__host-centre=")
        for part in ("httponly", "secure", "samesite=strict", "path=/"):
            assert part in told
        assert "domain" not in told
        assert (await http.request("DELETE", "/centre/session", headers=_own(edge))).status_code == 204


async def test_whoever_signed_out_reads_nothing_with_the_old_cookie(edge: Standing) -> None:
    async with _signed_in(edge) as http:
        old = {"cookie": f"{COOKIE}={http.cookies[COOKIE]}"}
        for headers in (
            _own(edge, origin="https://evil.example"),
            _own(edge, sec_fetch_site="cross-site"),
            {},
        ):
            refused = await http.request("DELETE", "/centre/session", headers=headers)
            assert refused.status_code == 403
        assert (await http.get("/centre/books/verifiers")).status_code == 200
        assert (await http.request("DELETE", "/centre/session", headers=_own(edge))).status_code == 204
        assert (await edge.http.get("/centre/books/verifiers", headers=old)).status_code == 401


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        ("admins", 404, "LISTING_UNKNOWN"),
        ("departments?parent=departments/police", 400, "QUERY_UNKNOWN"),
        ("items?parent=departments/-&parent=departments/police", 400, "QUERY_UNKNOWN"),
        ("items?page_size=500", 400, "QUERY_UNKNOWN"),
        ("items?query=%00", 400, "QUERY_INVALID"),
        ("items?query=%ff", 400, "QUERY_INVALID"),
        (f"items?query={'x' * 1025}", 400, "QUERY_INVALID"),
        ("items?query=a+b+c+d+e+f+g+h+i", 400, None),
        ("items?parent=verifiers/school", 400, None),
        ("items?parent=", 400, None),
        ("departments?page=nonsense", 400, None),
        ("statistics", 400, "QUERY_INVALID"),
        (f"statistics?{RANGE}", 400, "QUERY_INVALID"),
        (f"statistics?{RANGE}&by=holder", 400, "QUERY_INVALID"),
        (f"statistics?{RANGE}&by=unspecified", 400, "QUERY_INVALID"),
        ("statistics?first=20260101&last=2026-01-02&by=day", 400, "QUERY_INVALID"),
        ("statistics?first=2026-02-30&last=2026-03-01&by=day", 400, "QUERY_INVALID"),
        ("statistics?first=2026-03-02&last=2026-03-01&by=day", 400, None),
        ("published", 400, "QUERY_INVALID"),
        ("published?month=2026-13", 400, "QUERY_INVALID"),
        ("published?month=9999-12", 400, None),
        ("revocations?parent=departments/police", 400, "QUERY_UNKNOWN"),
        ("queue", 400, "QUERY_INVALID"),
        (f"queue?{OVER}&department=departments/police", 400, "QUERY_UNKNOWN"),
        (f"queue?first={TODAY}&last={TODAY}", 400, "FIELD_INVALID"),
        (f"queue?{RANGE}", 400, "FIELD_INVALID"),
        ("pushes?page=nonsense", 400, None),
        ("pushes?page_size=500", 400, "QUERY_UNKNOWN"),
    ],
    ids=[
        "listing", "parameter", "twice", "size", "control", "no-utf8", "long", "many-words", "kind",
        "no-parent", "page", "no-range", "by-nothing", "by-holder", "by-zero", "compact-day", "no-such-day",
        "backwards", "no-month", "no-such-month", "not-over", "of-one",
        "queue-of-no-days", "queue-of-one", "queue-of-today", "queue-of-a-year", "page-of-pushes",
        "pushes-size",
    ],
)  # fmt: skip
async def test_odd_questions_are_refused(edge: Standing, path: str, status: int, reason: str | None) -> None:
    async with _signed_in(edge) as http:
        refused = await http.get(f"/centre/books/{path}")
    assert refused.status_code == status
    assert reason is None or refused.text == f"{reason}\n"
    assert refused.text.strip().replace("_", "").isupper()


async def test_the_page_of_one_listing_is_none_of_another(edge: Standing) -> None:
    async with _signed_in(edge) as http:
        page = (await http.get("/centre/books/departments")).json()["next"]
        assert page
        refused = await http.get("/centre/books/verifiers", params={"page": page})
    assert refused.status_code == 400


async def test_wrong_codes_are_counted_apart_and_sessions_are_bounded(
    town: City, token: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pages = tmp_path_factory.mktemp("guessed") / "pages"
    async with standing(town, pages, **_given(town, token)) as made:
        tries = [("/centre/session", {"code": each}) for each in ("", CODE[:-1], None, 7, *range(TRIES - 4))]
        for path, body in tries:
            assert (await made.http.post(path, json=body, headers=_own(made))).status_code == 403
        late = await made.http.post("/centre/session", json={"code": "x"}, headers=_own(made))
        assert (late.status_code, late.text) == (429, "TOO_MANY_ATTEMPTS\n")
        cookies = list[str]()
        for _ in range(SESSIONS + 1):
            signed = await made.http.post("/centre/session", json={"code": CODE}, headers=_own(made))
            cookies.append(signed.headers["set-cookie"].partition(";")[0])
            made.http.cookies.clear()
        for cookie, status in ((cookies[0], 401), (cookies[1], 200), (cookies[-1], 200)):
            read = await made.http.get("/centre/books/verifiers", headers={"cookie": cookie})
            assert read.status_code == status


async def test_a_session_does_not_outlive_its_edge(
    town: City, token: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("twice")
    async with standing(town, folder / "one", **_given(town, token)) as first, _signed_in(first) as http:
        cookie = f"{COOKIE}={http.cookies[COOKIE]}"
    async with standing(town, folder / "two", **_given(town, token)) as second:
        refused = await second.http.get("/centre/books/verifiers", headers={"cookie": cookie})
        assert refused.status_code == 401


async def test_without_books_there_is_no_centre(town: City, tmp_path_factory: pytest.TempPathFactory) -> None:
    async with standing(town, tmp_path_factory.mktemp("none") / "pages") as edge:
        assert (await edge.http.get("/centre/books/departments")).status_code == 404
        assert (await edge.http.post("/centre/session", json={}, headers=_own(edge))).status_code == 405
