"""Attributes that are proven equal are one witness: the classes that the equalities of a branch make."""

from collections.abc import Iterable, Mapping

from disclosure.composite.predicates import Equal, Operand


def equality_classes(equalities: Iterable[Equal]) -> Mapping[Operand, Operand]:
    """Return, for each operand of an equality, the least that it is proven equal to, directly or not."""
    least: dict[Operand, Operand] = {}
    for equality in equalities:
        joined = {least.get(each, each) for each in equality.operands}
        root = min(joined)
        least |= dict.fromkeys(equality.operands, root)
        least = {each: root if old in joined else old for each, old in least.items()}
    return least
