"""An edge of OpenID whose policy demands the order, by commands: real server, real consortium, real vault."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli import test_cli_ordered as ordered
from tests.cli.running import Home
from tests.cli.test_cli_openid import opened, serving
from tests.cli.test_cli_ordered import Town
from tests.ordering.cities import CHAIN
from tests.ordering.engines import needs_engine, until

town, schools, mother, strict = ordered.town, ordered.schools, ordered.mother, ordered.strict
AWAY = "http://127.0.0.1:1"


def order_of(record: Path) -> Path:
    return record.with_name(f"{record.name}.order")


def asked(base: str, ready: dict[str, Any], holder: Home) -> Any:
    """Have a counter ask and a vault answer; return the counter's page."""
    page, uri = opened(base, "cross", Path(ready["secret_file"]).read_text().strip(), "ordered")
    answered = holder.json("vault", "openid", "open", uri, "--dev", "--yes")
    assert answered["state"] == "answered"  # the wallet is not kept waiting
    return page


def told(page: Any) -> dict[str, Any]:
    found: dict[str, Any] = page.get("/result").json()
    return found


@needs_engine
@pytest.mark.timeout(600)
def test_an_answer_is_told_once_it_is_in_the_order(
    town: Town, strict: tuple[Home, Path], mother: Home
) -> None:
    """Without any option, and though the policy's file says nothing of it."""
    (home, policy), records = strict, strict[0].path / "records"
    before = set(records.glob("*"))
    home.json("consortium", "trust", town.folder / "header", "--node", AWAY)
    with (
        serving(home, "--cross", "ordered", "--encrypted", what=policy) as (base, ready),
        closing(asked(base, ready, mother)) as page,
    ):
        until(lambda: told(page).get("reason") == "NODE_UNREACHABLE")
        home.json("consortium", "trust", town.folder / "header", "--node", town.node)
        until(lambda: told(page).get("reason") == "RECEIPT_NOT_ORDERED")
        assert told(page)["state"] == "pending"
        assert set(records.glob("*")) == before
        town.submit()
        until(lambda: told(page)["state"] == "accepted")
        record = records / told(page)["record"]
    assert set(records.glob("*")) - before == {record, order_of(record)}
    found = home.json("verifier", "check", record)
    assert (found["receipt"], found["chain"]) == ("ordered", CHAIN)


@needs_engine
@pytest.mark.timeout(600)
def test_what_is_not_ordered_when_the_edge_ends_is_decided_later(
    town: Town, strict: tuple[Home, Path], mother: Home
) -> None:
    (home, policy), records = strict, strict[0].path / "records"
    before = set(records.glob("*"))
    with (
        serving(home, "--cross", "ordered", what=policy) as (base, ready),
        closing(asked(base, ready, mother)) as page,
    ):
        until(lambda: told(page).get("reason") == "RECEIPT_NOT_ORDERED")
    (pending,) = set(records.glob("*")) - before
    assert pending.name.endswith(".json.pending")
    town.submit()
    kept = home.json("verifier", "keep", pending, policy)
    assert (kept["receipt"], kept["chain"]) == ("ordered", CHAIN)
    assert not pending.exists()
    record = pending.with_suffix("")
    assert set(records.glob("*")) - before == {record, order_of(record)}
    assert home.json("verifier", "check", record)["receipt"] == "ordered"
