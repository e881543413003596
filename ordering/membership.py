"""Who is an operator, and what a change of that needs and does."""

from collections.abc import Mapping

from ordering import state
from ordering.errors import Refusal, RefusedError
from ordering.operators import Admit, Change, Operator, Remove, Replace
from ordering.state import Kept, Rows


def members(rows: Kept) -> tuple[Operator, ...]:
    """Return all operators, by their names."""
    found = (state.operator(rows, name) for name in state.operators(rows))
    return tuple(each for each in found if each is not None)


def validators(rows: Kept) -> Mapping[bytes, int]:
    """Return the power of each validator that has some, by its key."""
    return {each.validator: each.power for each in members(rows) if each.power}


def begin(rows: Rows, operators: tuple[Operator, ...]) -> None:
    """Write the first operators; RefusedError CHANGE_IMPOSSIBLE."""
    for each in operators:
        _check_one(rows, Admit(each))
        _make(rows, Admit(each))
    if not validators(rows):
        raise _impossible("nobody would be there to make a block")


def check(rows: Kept, wanted: Change) -> None:
    """Raise RefusedError CHANGE_IMPOSSIBLE for a change that cannot be made now."""
    _check_one(rows, wanted)
    if not _after(rows, wanted):
        raise _impossible("nobody would be left to make a block")


def _check_one(rows: Kept, wanted: Change) -> None:
    name = wanted.name if isinstance(wanted, Remove) else wanted.operator.name
    present = state.operators(rows)
    if isinstance(wanted, Admit) == (name in present):
        raise _impossible(f"{name} is {'an' if name in present else 'no'} operator")
    if isinstance(wanted, Admit) and len(present) >= state.MAX_OPERATORS:
        raise _impossible("there are so many operators already")
    if not isinstance(wanted, Remove):
        check_free(rows, wanted.operator)
    if isinstance(wanted, Replace):
        found = state.operator(rows, name)
        if found is None or found.digest != wanted.replaces:
            raise _impossible(f"{name} has other keys or another power by now")


def check_free(rows: Kept, wanted: Operator) -> None:
    """Raise RefusedError CHANGE_IMPOSSIBLE if a key is another operator's already, or was its validator's."""
    for other in members(rows):
        if other.name == wanted.name:
            continue
        if (
            other.key == wanted.key
            or other.log.name == wanted.log.name
            or other.validator == wanted.validator
        ):
            raise _impossible(f"a key is that of {other.name} already")
    owner = rows.get(state.validator_key(state.validator_address(wanted.validator)))
    if owner is not None and owner.decode() != wanted.name:
        raise _impossible(f"the validator was that of {owner.decode()}")


def change(rows: Rows, wanted: Change) -> None:
    """Make a change; RefusedError CHANGE_IMPOSSIBLE."""
    check(rows, wanted)
    _make(rows, wanted)


def _make(rows: Rows, wanted: Change) -> None:
    names = state.operators(rows)
    if isinstance(wanted, Remove):
        state.put_operators(rows, tuple(each for each in names if each != wanted.name))
        return
    one = wanted.operator
    state.put_operators(rows, tuple({*names, one.name}))
    state.put_operator(rows, one)
    rows.put(state.validator_key(state.validator_address(one.validator)), one.name.encode())


def _after(rows: Kept, wanted: Change) -> Mapping[bytes, int]:
    """Return the validators that there would be."""
    name = wanted.name if isinstance(wanted, Remove) else wanted.operator.name
    left = {each.validator: each.power for each in members(rows) if each.name != name and each.power}
    if not isinstance(wanted, Remove) and wanted.operator.power:
        left[wanted.operator.validator] = wanted.operator.power
    return left


def _impossible(detail: str) -> RefusedError:
    return RefusedError(Refusal.CHANGE_IMPOSSIBLE, detail)
