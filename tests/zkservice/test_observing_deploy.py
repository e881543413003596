"""What is under deploy/observability: it asks for metrics that there are, and each alert has its runbook."""

import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.zkservice.certifying import Authority
from tests.zkservice.seeing import metrics
from tests.zkservice.support import reopened
from tests.zkservice.witnessing import CITIES, Consortium, anchored, consortium, grow

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "deploy" / "observability"
METRIC: Final = re.compile(r"\bzk_[a-z_]+\b")
LABELS: Final = re.compile(r"(zk_[a-z_]+)\{([^}]*)\}")
PROMTOOL: Final = shutil.which("promtool")
NO_PROMTOOL: Final = "promtool is not there (Debian: apt-get install prometheus)"


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    return found


def expressions() -> Iterator[str]:
    yield from (each["expr"] for each in rules())
    yield from (target["expr"] for each in panels() for target in each["targets"])


def anchors(document: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in heads}


def finds_nothing(*arguments: str) -> None:
    command = [str(PROMTOOL), *arguments]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
async def others(tmp_path: Path) -> AsyncIterator[Consortium]:
    async with consortium(tmp_path, tmp_path / "server") as gathered:
        yield gathered


async def test_whatever_is_asked_for_is_told_by_a_real_server(others: Consortium) -> None:
    """With witnesses, of which one is away, and lists, so that there are all metrics that there can be."""
    await others.end(CITIES[0])
    authority, lists = Authority(), others.folder / "lists.pem"
    lists.write_bytes(authority.crl())
    certified = {"client_port": 0, "client_ca": authority.written(others.folder), "client_crl": lists}
    given = others.settings | {"metrics_port": 0, "processes": 1} | certified
    async with reopened(others.folder / "server", **given) as town:
        await anchored(town, await grow(town, "police"))
        found = await metrics(town.ready)
    told = {name for name, _ in found}
    labels = {name: {key for each, pairs in found if each == name for key, _ in pairs} for name in told}
    asked = {name for each in expressions() for name in METRIC.findall(each)}
    assert len(asked) > 20
    assert asked <= told, "an alert on a metric that there is not never comes"
    for each in expressions():
        for name, matched in LABELS.findall(each):
            used = set(re.findall(r"(\w+)\s*[!=]", matched))
            assert used <= labels[name], (name, used)


def test_all_that_is_told_of_calls_and_parts_is_in_the_document() -> None:
    document = (ROOT / "docs" / "observability.md").read_text(encoding="utf-8")
    named = set(METRIC.findall(document))
    asked = {name for each in expressions() for name in METRIC.findall(each)}
    bases = {re.sub(r"_(bucket|sum|count|total)$", "", each) for each in asked}
    assert bases <= {re.sub(r"_total$", "", each) for each in named}


def test_each_alert_leads_to_its_runbook() -> None:
    runbooks = [each["annotations"]["runbook"] for each in rules()]
    assert len(set(runbooks)) == len(runbooks) == len({each["alert"] for each in rules()})
    known = anchors(ROOT / "docs" / "operations.md")
    for each in rules():
        path, _, anchor = each["annotations"]["runbook"].partition("#")
        assert (ROOT / path).is_file()
        assert anchor == each["alert"].lower()
        assert anchor in known, each["alert"]
        assert each["labels"]["severity"] in {"warning", "critical"}


def test_each_alert_is_tested() -> None:
    cases = yaml.safe_load((FOLDER / "alerts_test.yml").read_text())["tests"]
    comes = {rule["alertname"] for case in cases for rule in case["alert_rule_test"] if rule["exp_alerts"]}
    assert comes == {each["alert"] for each in rules()}


def test_the_dashboard_is_one_that_grafana_reads() -> None:
    shown = panels()
    assert [each["id"] for each in shown] == list(range(1, len(shown) + 1))
    places = [(each["gridPos"]["x"], each["gridPos"]["y"]) for each in shown]
    assert len(set(places)) == len(places)
    for each in shown:
        assert each["title"]
        assert each["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


@pytest.mark.skipif(PROMTOOL is None, reason=NO_PROMTOOL)
@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "rules", "alerts.yml"),
        ("check", "config", "prometheus.yml"),
        ("test", "rules", "alerts_test.yml"),
    ],
    ids=["rules", "config", "tests"],
)
def test_promtool_finds_nothing(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [str(PROMTOOL), *arguments], cwd=FOLDER, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(PROMTOOL is None, reason=NO_PROMTOOL)
@pytest.mark.parametrize("number", range(1, len(panels()) + 1))
def test_promtool_reads_each_expression_of_the_dashboard(number: int, tmp_path: Path) -> None:
    targets = panels()[number - 1]["targets"]
    recorded = [{"record": f"zk:{index}", "expr": each["expr"]} for index, each in enumerate(targets)]
    rule = tmp_path / "rules.yml"
    rule.write_text(yaml.safe_dump({"groups": [{"name": "shown", "rules": recorded}]}))
    done = subprocess.run(
        [str(PROMTOOL), "check", "rules", str(rule)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
