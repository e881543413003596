"""Counters of errands before a town whose vaults are in browsers: the library's own, each in a thread."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final

from disclosure import LocalizedText, VerifierName
from disclosure.errand import Counter, ErrandBundle, ErrandBundleName
from tests.browser.vault_town import World
from tests.browser.vaulting import Tab
from tests.disclosure.composite.world import INSURANCE, PERMIT
from tests.prover.errand_making import AnyRequest, Desk, desks
from tests.web_edge.standing import endpoint_of
from tests.zkservice.allowing import any_policy
from tests.zkservice.composite_city import SCHOOL
from tests.zkservice.errands import PHONE, Errands
from tlog import Verifier
from verifier.client.errands import CounterPart, Outcome, ReceivedPart
from zkproto.v1 import errand_pb2 as pb

_NAMING: Final = ("GetErrand", "WatchErrand")
_SECONDS: Final = 60


def both_forms(version: int) -> ErrandBundle:
    """A school that asks in the composite form and wants a telephone number; a bank, in the plain."""
    return ErrandBundle(
        ErrandBundleName("both-forms", version),
        LocalizedText("上学与开户", "School and bank"),
        LocalizedText("入学登记，并开立账户", "Enrol, and open an account"),
        (
            Counter(
                "school", LocalizedText("学校窗口", "The school's counter"), VerifierName(SCHOOL),
                any_policy(VerifierName(SCHOOL), 2), (PHONE,), (), 5,
            ),
            Counter(
                "bank", LocalizedText("银行窗口", "The bank's counter"), VerifierName("bank"),
                any_policy(VerifierName("bank")), (), ("school",),
            ),
        ),
    )  # fmt: skip


@dataclass
class Bureau:
    """The counters of a bundle, open."""

    world: World
    errands: Errands
    desks: dict[str, Desk]

    @property
    def bundle(self) -> str:
        return str(self.errands.bundle.name)

    async def own(self) -> dict[str, str]:
        """Return name and ticket of the errand that the page asked for last, since it began one."""
        async with asyncio.timeout(_SECONDS):
            while not (named := self._named()):
                await asyncio.sleep(0.05)
        asked = pb.GetErrandRequest.FromString(named[-1])
        return {"errand": asked.errand, "ticket": asked.ticket}

    def _named(self) -> list[bytes]:
        sent = self.world.between.sent
        began = max((at for at, (method, _) in enumerate(sent) if method == "StartErrand"), default=0)
        return [octets for method, octets in sent[began:] if method in _NAMING]

    async def told(self) -> pb.Errand:
        """Return that errand as the service has it now."""
        answer: pb.Errand = await self.errands.stub.GetErrand(pb.GetErrandRequest(**await self.own()))
        return answer

    async def names(self) -> dict[str, str]:
        return {each.part: each.name for each in (await self.told()).parts}

    async def ask(self, *parts: str, request: Callable[[], AnyRequest] | None = None) -> None:
        """Have these counters ask, all if none is named, for that errand."""
        names = await self.names()
        for part in parts or names:
            desk = self.desks[part]
            if request is not None:
                desk.request = request
            await asyncio.to_thread(desk.ask, names[part])

    async def receive(self, part: str) -> tuple[CounterPart, ReceivedPart]:
        """Have a counter verify what came for it."""
        return await asyncio.to_thread(self.desks[part].receive, (await self.names())[part])

    async def tell(self, part: str, outcome: Outcome) -> ReceivedPart:
        """Have a counter verify what came, and say what becomes of it."""
        found, received = await self.receive(part)
        await asyncio.to_thread(self.desks[part].tell, found, outcome)
        return received

    async def begun(self, tab: Tab, *parts: str) -> dict[str, Any]:
        """Begin an errand in the browser and have counters ask; return its view then."""
        view: dict[str, Any] = await tab.call("beginErrand", self.bundle)
        await tab.call("followErrand", view["id"], "")
        await self.ask(*parts)
        return await followed(tab, view["id"], lambda each: bool(each["asked"]))


@asynccontextmanager
async def bureau(world: World, bundle: ErrandBundle | None = None) -> AsyncIterator[Bureau]:
    """Register a bundle, a newborn's if no other is given, and open its counters."""
    city = world.town.city
    errands = await Errands.of(city, await city.claim(await city.issue()), bundle)
    log = Verifier.from_string(city.ready.verifier_key)
    town: Any = SimpleNamespace(endpoint=endpoint_of(city), log=log, city=city)
    with contextlib.ExitStack() as stack:
        opened = await asyncio.to_thread(stack.enter_context, desks(town, errands))
        if "school" in opened:
            opened["school"].request = lambda: world.town.request(world.main())
        yield Bureau(world, errands, opened)


async def followed(tab: Tab, errand: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Follow an errand in the browser until its view is the wanted one."""
    mark = ""
    async with asyncio.timeout(_SECONDS):
        while True:
            view: dict[str, Any] = await tab.call("followErrand", errand, mark)
            if wanted(view):
                return view
            mark = view["mark"]


def answers(asked: dict[str, Any], **declared: dict[str, str]) -> dict[str, Any]:
    """Return what a person says who takes what is offered first, and types this into forms."""
    return {
        each["part"]: {
            "choice": each["answer"]["choice"],
            "declared": each["answer"]["declared"] | declared.get(each["part"], {}),
        }
        for each in asked["parts"]
    }


async def submit(tab: Tab, view: dict[str, Any], **declared: dict[str, str]) -> dict[str, Any]:
    """Agree to all that is asked for an errand."""
    asked = await tab.call("askedErrand", view["id"])
    said: dict[str, Any] = await tab.call("submitErrand", asked["id"], answers(asked, **declared))
    return said


def submissions(world: World) -> list[bytes]:
    """Return what pages have submitted."""
    return [message for method, message in world.between.sent if method == "SubmitErrand"]


async def stocked(world: World, tab: Tab) -> Tab:
    """Put into a vault what both counters ask for."""
    offered = [await world.offered(each, person=secrets.token_bytes(8)) for each in (PERMIT, INSURANCE)]
    for link in [*offered, await world.plain_offer()]:
        await tab.claim(link)
    return tab


TOLD: Final = LocalizedText("办好了", "All is well")
TYPED: Final = {"phone": "053100000000"}
"""What the school's form is filled in with."""
AGAIN: Final = LocalizedText("请再试", "Once more")
