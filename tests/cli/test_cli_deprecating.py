"""`zk catalogue deprecate`, at a server of its own: for good, by its department, as it was read."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.running import Home, refused
from zk.exits import Exit
from zk.local_server import running_server

GRADE = (
    "issuer", "issue", "tax_grade", "-v", "uscc=91370100MA3C00001X", "-v", "grade=A", "-v", "score=95",
    "-v", "year=2025", "--person", "T-1",
)  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("deprecating")
    with running_server(folder / "data", folder / "server.log") as started:
        made = Home(folder / "home", started).trusting()
        for department in ("tax", "veterans"):
            made.json("catalogue", "load", "--department", department, env=made.admin)
        yield made


def test_an_item_is_ended_with_a_successor_and_offered_no_more(home: Home) -> None:
    for made in ("key", "accumulator"):
        home.json("issuer", made, "--department", "tax")
    assert home.json(*GRADE)["link"]
    before = home.json("catalogue", "show", "tax_grade")
    ended = home.json("catalogue", "deprecate", "tax_grade", "--successor", "no_arrears")
    assert (ended["deprecated"], ended["successor"]) == (True, "departments/tax/items/no_arrears")
    assert ended["etag"] != before["etag"]
    assert home.json("catalogue", "deprecate", "tax_grade", "--successor", "no_arrears") == ended
    for lang, word in (("en", "(deprecated)"), ("zh", "no_arrears")):
        shown = home.zk("catalogue", "show", "tax_grade", "--lang", lang).out
        assert word in shown
    assert home.json("catalogue", "show", "tax_grade")["deprecated"]
    refused(home.zk(*GRADE, "--json"), Exit.REFUSED, "ITEM_DEPRECATED")
    other = home.zk("catalogue", "deprecate", "tax_grade", "--json")
    refused(other, Exit.REFUSED, "ITEM_DEPRECATED")


def test_only_from_the_state_that_was_read(home: Home) -> None:
    etag = home.json("catalogue", "show", "income_tax")["etag"]
    stale = home.zk("catalogue", "deprecate", "income_tax", "--etag", "0" * 32, "--json")
    refused(stale, Exit.REFUSED, "ETAG_MISMATCH")
    assert not home.json("catalogue", "show", "income_tax")["deprecated"]
    assert home.json("catalogue", "deprecate", "income_tax", "--etag", etag)["deprecated"]
    assert "income_tax" in home.zk("catalogue", "deprecate", "income_tax", "--lang", "zh").out


def test_an_item_that_there_is_not_and_one_of_another_department(home: Home, tmp_path: Path) -> None:
    refused(home.zk("catalogue", "deprecate", "tax_grad", "--json"), Exit.USAGE, "ITEM_UNKNOWN")
    own = ("catalogue", "deprecate", "tax_paid", "--json")
    refused(home.zk(*own, "--successor", "nothing_like_it"), Exit.USAGE, "ITEM_UNKNOWN")
    elsewhere = Home(tmp_path / "home", home.server).trusting()
    refused(elsewhere.zk(*own), Exit.USAGE, "DEPARTMENT_NOT_HERE")
    assert elsewhere.json(*own[:-1], env=elsewhere.admin)["deprecated"], "the administrator may"
