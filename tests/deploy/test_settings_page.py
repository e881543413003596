"""The page of settings says what the settings are."""

from pathlib import Path

import pytest
from pydantic_settings import BaseSettings, SettingsConfigDict

from scripts import settings_page
from zkservice.config import Settings
from zkservice.keyed.settings import CheckSettings


def test_the_page_is_what_the_settings_say() -> None:
    assert settings_page.PAGE.read_text(encoding="utf-8") == settings_page.page()


def test_every_setting_has_its_row() -> None:
    rows = [each.split("`")[1] for each in settings_page.page().splitlines() if each.startswith("| `")]
    own = [each for each in CheckSettings.model_fields if each not in Settings.model_fields]
    assert sorted(rows) == sorted([*Settings.model_fields, "port", *own])


def test_every_row_has_four_cells() -> None:
    for line in settings_page.page().splitlines():
        if line.startswith("|"):
            assert line.replace("\\|", "").count("|") == 5, line


def test_a_page_that_differs_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_page, "PAGE", tmp_path / "settings.md")
    assert settings_page.main(["--check"]) == 1
    assert settings_page.main([]) == 0
    assert settings_page.main(["--check"]) == 0
    (tmp_path / "settings.md").write_text("port", encoding="utf-8")
    assert settings_page.main(["--check"]) == 1
    assert settings_page.main(["--help"]) == 2


def test_a_setting_without_a_docstring_has_no_page() -> None:
    class Silent(BaseSettings):
        model_config = SettingsConfigDict(use_attribute_docstrings=True)
        port: int = 1

    with pytest.raises(ValueError, match="port has no docstring"):
        settings_page._row("port", Silent.model_fields["port"])
