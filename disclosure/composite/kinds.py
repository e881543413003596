"""What an attribute is to whoever asks for proofs of it: type, meaning, and bounds of numbers."""

from dataclasses import dataclass

from disclosure.attributes import AttributeDefinition, AttributeType, Value
from disclosure.composite.predicates import out_of_bounds
from disclosure.errors import MalformedError


@dataclass(frozen=True)
class Kind:
    """What an attribute is in all schemas that a query accepts; bounds are the widest of them."""

    definitions: tuple[AttributeDefinition, ...]

    @property
    def type(self) -> AttributeType:
        """The type."""
        return self.definitions[0].type

    @property
    def meaning(self) -> tuple[str, str, int, str]:
        """What two attributes have in common if their scalars may be compared."""
        return meaning(self.definitions[0])

    @property
    def optional(self) -> bool:
        """Whether it may be absent in one of them."""
        return any(each.optional for each in self.definitions)

    @property
    def minimum(self) -> int:
        """The least number, or day."""
        return min(each.minimum or 0 for each in self.definitions)

    @property
    def maximum(self) -> int:
        """The greatest number, or day."""
        return max(each.maximum or 0 for each in self.definitions)

    def definition_of(self, value: Value, field: str) -> AttributeDefinition:
        """Return a definition that has this value; MalformedError BOUND_INVALID if none has."""
        for each in self.definitions:
            try:
                each.check(value)
            except MalformedError:
                continue
            return each
        raise out_of_bounds("no schema has such a value", field)

    def check_bound(self, bound: int | None, field: str) -> None:
        """Raise MalformedError BOUND_INVALID if the bound is outside those of the schemas."""
        if bound is not None and not self.minimum <= bound <= self.maximum:
            raise out_of_bounds(f"the schema's bounds are {self.minimum} and {self.maximum}", field)


def meaning(definition: AttributeDefinition) -> tuple[str, str, int, str]:
    """Return what two attributes have in common if their scalars may be compared."""
    return (definition.type.value, definition.unit, definition.scale, definition.code_system)
