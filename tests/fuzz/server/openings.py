"""What RecordOpening answers with OK: an escrow of an accepted presentation, opened by its officers."""

from collections.abc import Awaitable, Callable, Iterator

from tests.zkservice.composite_city import CompositeCity, furnished
from tests.zkservice.opening import Case
from tests.zkservice.seeding import Seed
from tests.zkservice.support import City


def openings(town: City, numbers: Iterator[int]) -> Callable[[], Awaitable[dict[str, Seed]]]:
    """Return what presents to a regulator's key, and has it opened under another reference each time."""
    cities = list[CompositeCity]()

    async def made() -> dict[str, Seed]:
        if not cities:
            cities.append(await furnished(town))
        case = await Case.presented(cities[0])
        _, asked = case.open(reference=f"case {next(numbers)}")
        return {"RecordOpening": Seed(asked)}

    return made
