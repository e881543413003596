"""Cosignatures of ML-DSA-44 in the chain's window: verified there, by code that is loaded only for them."""

import time
from dataclasses import replace

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.browsing import Visitor
from tests.browser.conftest import Nine
from tests.web_edge.standing import framed, split
from tlog import GroupLine, MldsaCosignatureSigner, Policy, WitnessLine, cosign, mldsa
from zkproto.v1 import ledger_pb2

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(not mldsa.is_supported(), reason="the cryptographic library has no ML-DSA"),
]
NEW = MldsaCosignatureSigner.from_secret("new.example/witness", bytes(range(32)))
CODE = "/assets/ml-dsa-"


def demanding(policy: Policy) -> Policy:
    """The policy with one witness more, without whom there is no quorum."""
    (group,) = policy.groups
    both = GroupLine("both", 2, (group.name, "new"))
    witnesses = (*policy.witnesses, WitnessLine("new", NEW.verifier))
    return replace(policy, witnesses=witnesses, groups=(group, both), quorum=both.name)


async def cosigned(route: Route) -> None:
    """Add the witness's line to the anchored checkpoint, as a server would that asks it."""
    answer = await route.fetch()
    body = await answer.body()
    (message,), _ = split(body)
    told = ledger_pb2.GetCheckpointResponse.FromString(message)
    told.anchored += cosign(told.anchored, NEW, int(time.time()))
    await route.fulfill(response=answer, body=framed(told.SerializeToString()) + body[len(framed(message)) :])


async def opened(visitor: Visitor, policy: Policy) -> Page:
    page = await visitor.goes_to("/")
    await page.evaluate("text => localStorage.setItem('zk.trust', text)", policy.to_bytes().decode())
    return await visitor.goes_to("/chain/")


def loaded(visitor: Visitor) -> list[str]:
    return [each.url for each in visitor.requests if CODE in each.url]


async def test_such_a_witness_counts_and_its_code_comes_for_it_alone(nine: Nine) -> None:
    policy = demanding(nine.gathered.policy)
    async with nine.site.visitor() as visitor:
        page = await opened(visitor, nine.gathered.policy)
        await expect(page.get_by_text("The quorum has cosigned")).to_be_visible()
        assert loaded(visitor) == []
        page = await opened(visitor, policy)
        await expect(page.get_by_text("The log's signature holds")).to_be_visible()
        await expect(page.get_by_text("The quorum has cosigned")).to_be_hidden()
        assert len(loaded(visitor)) == 1
        await visitor.page.route("**/rpc/*/GetCheckpoint", cosigned)
        page = await visitor.goes_to("/chain/")
        await expect(page.get_by_text("The quorum has cosigned")).to_be_visible()
        row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="new", exact=True))
        await expect(row).to_contain_text("yes")
        await visitor.passes_axe()


async def test_without_the_code_it_counts_for_nothing_and_the_page_says_why(nine: Nine) -> None:
    async with nine.site.visitor() as visitor:
        visitor.expected = ["ERR_FAILED", "Failed to fetch"]
        await visitor.page.route(f"**{CODE}*", lambda route: route.abort())
        await visitor.page.route("**/rpc/*/GetCheckpoint", cosigned)
        page = await opened(visitor, demanding(nine.gathered.policy))
        await expect(page.get_by_text("The log's signature holds")).to_be_visible()
        await expect(page.get_by_text("The quorum has cosigned")).to_be_hidden()
        await expect(page.get_by_text("the code for ML-DSA-44 could not be loaded").first).to_be_attached()
