"""A city that a resource centre looks at, what is registered and counted in it, and how its page is used."""

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

from playwright.async_api import Page, expect

from disclosure import LocalizedText, PolicyName, SchemaName, civil_date
from tests.browser.browsing import Site
from tests.web_edge.standing import endpoint_of
from tests.zkservice import queueing
from tests.zkservice.allowing import allowed
from tests.zkservice.centre import PERMIT_ITEM, add_item
from tests.zkservice.pushes import Pusher
from tests.zkservice.revoking import Office, new_handles
from tests.zkservice.stored import change
from tests.zkservice.support import PERMIT, TEXT, City
from tlog import ReceiptState
from wire.convert import text_to
from zk.centre import PAGE, opened_books
from zkproto.v1 import catalog_pb2

CODE = "the centre's own code"
EVIL = "<img src=x onerror=document.title='owned'>"
TODAY = civil_date(dt.datetime.now(dt.UTC))
DAY = dt.timedelta(days=1)
ENDED = (TODAY.replace(day=1) - dt.timedelta(days=1)).isoformat()[:7]
VIEWS = (
    "Departments",
    "Data items",
    "Purposes",
    "Verifiers",
    "Policies",
    "Applications",
    "Issuance",
    "Revocations",
    "Statistics",
)


@dataclass
class Watching:
    """A city, and where its centre can be looked at."""

    town: City
    token: str
    site: Site
    pusher: Pusher | None = None

    @property
    def given(self) -> dict[str, Any]:
        """What opens another edge's centre of the same city."""
        return {"books": lambda: opened_books(endpoint_of(self.town), self.token), "centre_code": CODE}


async def registered(town: City) -> None:
    """Register more than a page of departments, and names that are markup."""
    evil = LocalizedText(EVIL, EVIL)
    for number in range(PAGE):
        await town.add_department(f"office-{number:02}")
    called = catalog_pb2.Department(display_name=text_to(evil))
    await town.catalog.CreateDepartment(
        catalog_pb2.CreateDepartmentRequest(department_id="evil", department=called),
        metadata=town.bearer(town.admin),
    )
    await add_item(town, replace(PERMIT_ITEM, display_name=evil))
    named = catalog_pb2.UpdateVerifierRequest(
        verifier=catalog_pb2.Verifier(
            name="verifiers/bank",
            display_name=text_to(evil),
            etag=(await town.catalog.GetVerifier(catalog_pb2.GetVerifierRequest(name="verifiers/bank"))).etag,
        )
    )
    await town.catalog.UpdateVerifier(named, metadata=town.bearer(town.admin))
    await town.add_policy(allowed(PolicyName("school", "counter", 1), [PERMIT], evil))
    await demanding(town)


async def demanding(town: City) -> None:
    """Register a policy for each state of a receipt that it may demand."""
    for each in ReceiptState:
        policy = allowed(PolicyName("school", f"once-{each.value}", 1), [PERMIT], TEXT)
        await town.add_policy(replace(policy, receipt=each))


async def counted(town: City) -> None:
    """Let one credential be used, three be revoked, and a month be over of which little may be told."""
    await town.answered(await town.claim(await town.issue()))
    office = await Office.open(town, "archive", await town.add_department("archive"))
    await office.revoke(*new_handles(3))
    for verifier, what, n in (
        ("bank", "asked", 4), ("bank", "answered", 7), ("school", "asked", 903), ("school", "answered", 3),
    ):  # fmt: skip
        columns = "day, what, verifier, policy, department, n"
        row = (f"{ENDED}-02", what, f"verifiers/{verifier}", "", "", n)
        change(town.ready.data, f"insert into statistic ({columns}) values (?, ?, ?, ?, ?, ?)", *row)


async def queued(town: City) -> None:
    """Let applications wait and be decided on days that are over, some too few to be told."""
    queueing.put(town.ready.data, "open", 11, 40)
    queueing.put(town.ready.data, "refused", 7, 20, 2)
    queueing.put(town.ready.data, "approved", 16, 20, 2)
    queueing.put(town.ready.data, "cancelled", 4, 20, 1)


async def registry(town: City) -> Pusher:
    """Have a department that pushes records."""
    schema = replace(PERMIT, name=SchemaName("registry", "residence_permit", 1))
    token = await town.add_department("registry")
    await town.add_schema(schema)
    await town.add_key("registry")
    return Pusher(town, token, schema)


async def signs_in(page: Page) -> None:
    await page.get_by_label("Code of the centre").fill(CODE)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("navigation")).to_be_visible()


async def opens(page: Page, view: str) -> None:
    await page.get_by_role("navigation").get_by_role("link", name=view, exact=True).click()
    await expect(page.get_by_role("heading", name=view, exact=True)).to_be_visible()
    await expect(page.get_by_text("Loading …")).to_have_count(0)
