"""Loading a catalogue into a running service: what is not there is registered, what differs is changed.

Loading it again does nothing; loading it after a break does what is left. Schemas, purposes and lists' codes
never change, and whom a department identifies is the administrator's to say: what is registered otherwise
than the catalogue has it is told, and nothing is done about it.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import Final

from disclosure import Code, DepartmentName, LocalizedText, Schema
from disclosure.centre import CodeList, DataItem, Purpose
from disclosure.names import CodeListName, ItemName
from zk.catalogue import Catalogue, Department, ItemInfo
from zk.catalogue.purposes import purpose_name, purpose_of
from zk.clients.centre import Centre

_CALLS: Final = 16
"""Calls at a time. Registering a schema waits for the ledger, and so do not sixteen of them one by one."""
_NOT_IN_A_NAME: Final = re.compile(r"[^a-z0-9]+", re.ASCII)
AUTHORITY: Final = DepartmentName("big-data")
"""The department that answers for the code lists which several use."""

Task = Callable[[], object]


@dataclass
class Loaded:
    """What was done, by kind; `there` counts what had nothing to be done about."""

    registered: dict[str, int] = field(default_factory=dict)
    changed: int = 0
    there: int = 0


class DiffersError(Exception):
    """Something is registered otherwise than the catalogue has it, and loading does not change it."""

    def __init__(self, names: Iterable[object]) -> None:
        super().__init__("the catalogue differs")
        self.names = sorted(map(str, names))


@dataclass(frozen=True)
class Tokens:
    """Whose token a call takes. `admin` may be missing where nothing is registered that takes it."""

    admin: Callable[[], str] = field(repr=False)
    department: Callable[[DepartmentName], str] = field(repr=False)


class Loader:
    """Loads departments of a catalogue; `register` registers one and keeps its token."""

    def __init__(
        self,
        centre: Centre,
        tokens: Tokens,
        register: Callable[[Department], object],
        advance: Callable[[int], object],
    ) -> None:
        self._centre, self._tokens, self._register, self._advance = centre, tokens, register, advance
        self._count = 0
        self._differing: list[object] = []
        self.loaded = Loaded()

    def load(self, catalogue: Catalogue, departments: Collection[str]) -> Loaded:
        """Load what these departments need, in an order in which nothing misses what it names.

        Raises what the calls raise, and DiffersError after everything else was loaded.
        """
        chosen = [catalogue.departments[each] for each in departments]
        self._purposes(chosen)
        lists = code_lists(catalogue, set(departments))
        self._departments(catalogue, chosen, lists)
        self._code_lists(lists)
        self._items(chosen)
        self._schemas(chosen)
        if self._differing:
            raise DiffersError(self._differing)
        return self.loaded

    def _purposes(self, chosen: list[Department]) -> None:
        codes = {code for each in chosen for info in each.items.values() for code in info.purposes}
        wanted = _by_name(map(purpose_of, codes))
        there = _by_name(self._centre.purposes())
        self._differing += [name for name, each in wanted.items() if there.get(name, each) != each]
        self._run(
            "purpose",
            len(wanted),
            [self._purpose(each) for name, each in wanted.items() if name not in there],
        )

    def _purpose(self, purpose: Purpose) -> Task:
        return lambda: self._centre.create_purpose(purpose, self._tokens.admin())

    def _departments(self, catalogue: Catalogue, chosen: list[Department], lists: list[CodeList]) -> None:
        owners = {each.name for each in chosen} | {each.owner for each in lists}
        there = {each.name: each.identifies for each in self._centre.departments()}
        # Whom a department identifies is a power that loading neither gives nor takes.
        self._differing += [
            each.name for each in chosen if there.get(each.name, each.identifies) != each.identifies
        ]
        missing = sorted(owners - set(there), key=str)
        tasks = [self._department(catalogue.departments[each.department]) for each in missing]
        self._run("department", len(owners), tasks)

    def _department(self, department: Department) -> Task:
        return lambda: self._register(department)

    def _code_lists(self, lists: list[CodeList]) -> None:
        there = {each.code_list.name: each.code_list.codes for each in self._centre.code_lists()}
        # Names and owners follow from who uses a list, and may: what attributes mean are the codes.
        self._differing += [each.name for each in lists if there.get(each.name, each.codes) != each.codes]
        tasks = [self._code_list(each) for each in lists if each.name not in there]
        self._run("code_list", len(lists), tasks)

    def _code_list(self, made: CodeList) -> Task:
        return lambda: self._centre.create_code_list(made, self._tokens.department(made.owner))

    def _items(self, chosen: list[Department]) -> None:
        wanted = [each for department in chosen for each in items(department)]
        there = {each.item.name: each for each in self._centre.items()}
        new = [each for each in wanted if each.name not in there]
        differing = [each for each in wanted if each.name in there and there[each.name].item != each]
        self._run("item", len(wanted) - len(differing), list(map(self._new_item, new)))
        self._run_all([self._changed_item(each, there[each.name].etag) for each in differing])
        self.loaded.changed += len(differing)

    def _new_item(self, item: DataItem) -> Task:
        return lambda: self._centre.create_item(item, self._token(item.name.department))

    def _changed_item(self, item: DataItem, etag: str) -> Task:
        return lambda: self._centre.update_item(item, etag, self._token(item.name.department))

    def _schemas(self, chosen: list[Department]) -> None:
        wanted = [each for department in chosen for each in department.schemas]
        there = self._centre.digests()
        differing = [each.name for each in wanted if there.get(each.name, each.digest) != each.digest]
        new = [self._schema(each) for each in wanted if each.name not in there]
        self._run("schema", len(wanted) - len(differing), new)
        self._differing += differing

    def _schema(self, schema: Schema) -> Task:
        return lambda: self._centre.create_schema(schema, self._token(schema.name.department))

    def _token(self, department: str) -> str:
        return self._tokens.department(DepartmentName(department))

    def _run(self, kind: str, wanted: int, tasks: list[Task]) -> None:
        there = wanted - len(tasks)
        self.loaded.there += there
        self._step(there)
        self._run_all(tasks)
        self.loaded.registered[kind] = len(tasks)

    def _run_all(self, tasks: list[Task]) -> None:
        """Run calls side by side; after the first that fails no other is begun."""
        with ThreadPoolExecutor(_CALLS) as pool:
            waiting = [pool.submit(each) for each in tasks]
            try:
                for done in as_completed(waiting):
                    done.result()
                    self._step(1)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _step(self, count: int) -> None:
        self._count += count
        self._advance(self._count)


def total(catalogue: Catalogue, departments: Collection[str]) -> int:
    """Count the things that loading looks at, but for purposes and departments that only code lists name."""
    chosen = [catalogue.departments[each] for each in departments]
    return len(code_lists(catalogue, set(departments))) + sum(
        1 + len(each.items) + len(each.schemas) for each in chosen
    )


def items(department: Department) -> list[DataItem]:
    """Return a department's items as they are registered, named as their newest versions are."""
    newest: dict[str, Schema] = {}
    for each in department.schemas:
        before = newest.get(each.name.item)
        if before is None or before.name.version < each.name.version:
            newest[each.name.item] = each
    return [_item(newest[name], info) for name, info in department.items.items()]


def _item(schema: Schema, info: ItemInfo) -> DataItem:
    return DataItem(
        name=ItemName(schema.name.department, schema.name.item),
        display_name=schema.display_name,
        sensitivity=info.sensitivity,
        validity_days=schema.validity_days,
        refresh=info.refresh,
        refresh_days=info.refresh_days or 0,
        subject=info.subject,
        applicable=info.applicable,
        source=info.source,
        purposes=tuple(sorted((purpose_name(each.code) for each in info.purposes), key=str)),
    )


def code_lists(catalogue: Catalogue, departments: Collection[str]) -> list[CodeList]:
    """Return the code lists that these departments' attributes use, each with whom it belongs to.

    What one department alone uses is its own; what several use is the authority's.
    """
    users: dict[str, set[str]] = {}
    found: dict[str, tuple[LocalizedText, tuple[Code, ...]]] = {}
    for schema in catalogue.schemas():
        for each in schema.attributes:
            if each.codes:
                users.setdefault(each.code_system, set()).add(schema.name.department)
                found.setdefault(each.code_system, (each.display_name, each.codes))
    return [
        _code_list(system, users[system], *found[system])
        for system in sorted(found)
        if users[system] & set(departments)
    ]


def _code_list(
    system: str, users: set[str], display_name: LocalizedText, codes: tuple[Code, ...]
) -> CodeList:
    name = CodeListName(_NOT_IN_A_NAME.sub("-", system.lower()).strip("-"))
    owner = DepartmentName(*users) if len(users) == 1 else AUTHORITY
    return CodeList(name, owner, system, display_name, codes)


def _by_name(purposes: Iterable[Purpose]) -> Mapping[object, Purpose]:
    return {each.name: each for each in sorted(purposes, key=lambda each: str(each.name))}
