"""A server that is attacked, with a holder in it, and what must be true after each attack."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.zkservice.stored import Rows
from tests.zkservice.support import City, Issued, city, refusal
from wire.client import ServiceError


@dataclass
class Target:
    """A furnished city, a credential that was claimed in it, and all rows of its database."""

    city: City
    issued: Issued
    rows: Rows

    async def refuses(self, call: Callable[[], Any], code: str, reason: str) -> ServiceError:
        """Make a call that is refused with a status and a reason, and by which no row is changed."""
        before = self.rows()
        error = await refusal(call())
        assert (error.code.name, error.reason) == (code, reason), error
        assert self.rows() == before, "a refused attack has changed something"
        return error

    async def serves(self) -> None:
        """Ask and present as honest parties do."""
        _, _, answer = await self.city.answered(self.issued)
        assert answer.receipt


@asynccontextmanager
async def attacked(folder: Path, **settings: Any) -> AsyncIterator[Target]:
    """Start a server in this process; when the attacks are over, it must still serve."""
    with pytest.MonkeyPatch.context() as patch:
        # What is tidied up every minute is not what an attack has changed.
        patch.setattr("zkservice.server._TIDY_SECONDS", 3600.0)
        async with city(folder, **settings) as town:
            issued = await town.claim(await town.issue())
            with closing(Rows(folder)) as rows:
                target = Target(town, issued, rows)
                yield target
                await target.serves()
