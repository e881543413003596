"""Reading a catalogue: the project's own from the installation, a department's file from anywhere."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from disclosure import DisclosureError
from verifier import strict_yaml
from zk.catalogue.content import Catalogue, Department
from zk.catalogue.errors import CatalogueError
from zk.catalogue.model import CodeListModel, DepartmentModel, SharedModel

_PACKAGE: Final = "zk.catalogue"
_SHARED_LISTS: Final = "code_lists.yaml"


def parse_department(octets: bytes, shared: Mapping[str, CodeListModel] | None = None) -> Department:
    """Read a department's file, by default with the shared code lists. Raises CatalogueError."""
    try:
        model = DepartmentModel.model_validate(strict_yaml.parse(octets))
        return model.build(_shared_lists() if shared is None else shared)
    except ValidationError as error:
        raise CatalogueError(_first_fault(error)) from None
    except (strict_yaml.YamlError, DisclosureError) as error:
        raise CatalogueError(str(error)) from None


def load_department(path: Path) -> Department:
    """Read an operator's own file as `parse_department` does; also raises OSError."""
    with path.open("rb") as file:
        return parse_department(file.read(strict_yaml.MAX_OCTETS + 1))


def load() -> Catalogue:
    """Read the project's own catalogue anew. Raises CatalogueError if an installation is damaged."""
    departments = [
        parse_department(each.read_bytes())
        for each in sorted(resources.files(_PACKAGE).iterdir(), key=lambda each: each.name)
        if each.name.endswith(".yaml") and each.name != _SHARED_LISTS
    ]
    by_id = {each.name.department: each for each in departments}
    if len(by_id) != len(departments):
        raise CatalogueError("two files describe one department")
    return Catalogue(dict(sorted(by_id.items())))


@cache
def builtin() -> Catalogue:
    """Return the project's own catalogue, read once."""
    return load()


@cache
def _shared_lists() -> Mapping[str, CodeListModel]:
    octets = (resources.files(_PACKAGE) / _SHARED_LISTS).read_bytes()
    return SharedModel.model_validate(strict_yaml.parse(octets)).code_lists


def _first_fault(error: ValidationError) -> str:
    """Say where and what the first fault is, without repeating the input."""
    fault = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(map(str, fault["loc"]))
    return f"{place}: {fault['msg']}"
