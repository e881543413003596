"""A city's service that claims, while it runs: its list is read again, and a day's budget is kept."""

import json
from pathlib import Path

import pytest

from tests.cli import test_cli_claims as claims
from tests.cli.running import Home, refused
from tests.cli.test_cli_claims import Service, asked, kept
from tests.cli.test_cli_ordered import Town
from tests.ordering.engines import needs_engine
from zk.exits import Exit

pytestmark = [needs_engine, pytest.mark.timeout(600)]
town, service, schools, mother = claims.town, claims.service, claims.schools, claims.mother
enrolled = claims.enrolled


def test_a_list_is_read_again_while_the_service_runs(
    town: Town, service: Service, schools: tuple[Home, Home], mother: Home, enrolled: Path
) -> None:
    """And a broken one is kept out, and told."""
    both = "verifiers/school-a\nverifiers/school-b\n"
    service.end()
    service.listed.write_text("verifiers/school-a\n", "utf-8")
    service.begin()
    record = town.folder / "listed.json"
    refused(asked(schools[1], town, 2026, record, mother), Exit.REFUSED, "CLAIM_NOT_LISTED")
    service.listed.write_text(both + "school-c\n", "utf-8")
    assert service.event_of("list-refused")["reason"] == "NAME_INVALID"
    refused(kept(schools[1], town, 2026, record), Exit.REFUSED, "CLAIM_NOT_LISTED")
    service.listed.unlink()
    assert service.event_of("list-empty")["verifiers"] == 0
    service.listed.write_text(both, "utf-8")
    assert service.event_of("list")["verifiers"] == 2
    refused(kept(schools[1], town, 2026, record), Exit.REFUSED, "PSEUDONYM_TAKEN")


def test_whoever_has_a_schools_key_fills_no_more_than_a_days_budget(
    town: Town, service: Service, schools: tuple[Home, Home], mother: Home, enrolled: Path
) -> None:
    """Over a restart, too; and what waited is decided once there is room again."""
    school = schools[1]
    service.end()
    service.listed.write_text("verifiers/school-a\nverifiers/school-b\n", "utf-8")
    service.begin("--per-day", 1)
    done = asked(school, town, 2027, town.folder / "day-1.json", mother)  # the day's one
    assert done.code == 0, done
    service.end()
    service.begin("--per-day", 1)
    # Who is enrolled elsewhere is found to be: nothing would be written.
    refused(asked(school, town, 2026, town.folder / "day-2.json", mother), Exit.REFUSED, "PSEUDONYM_TAKEN")
    record = town.folder / "day-3.json"
    refused(asked(school, town, 2028, record, mother), Exit.UNREACHABLE, "CLAIMS_UNREACHABLE")
    told = service.event()
    assert (told["event"], told["reason"]) == ("refused", "CLAIM_TOO_MANY")
    assert "of this day" in told["detail"]
    service.end()
    counted = json.loads((service.data / "claims.day").read_text())
    assert counted["claims"]["verifiers/school-b"] == 1
    service.begin()
    done = kept(school, town, 2028, record)
    assert done.code == 0, done
