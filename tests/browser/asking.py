"""Questions to a page of tests that has a part of the vault in it, before something that alters answers."""

from dataclasses import dataclass
from typing import Any, ClassVar

from tests.browser.altering import Altering
from tests.browser.browsing import Visitor


@dataclass
class Asking:
    """Asks what a page has put into its window."""

    OF: ClassVar[str]
    """What that is called there."""

    between: Altering
    visitor: Visitor

    async def loaded(self) -> None:
        """Wait until the page can be asked."""
        await self.visitor.page.wait_for_function(f"() => window.{self.OF}")

    async def ask(self, question: str, *given: Any) -> Any:
        said = await self._said(question, *given)
        assert "fault" not in said, said
        return said.get("value")

    async def refused(self, question: str, *given: Any) -> str:
        """Return the reason for which a question is not answered."""
        said = await self._said(question, *given)
        assert "fault" in said, said
        reason: str = said["fault"]["reason"]
        return reason

    async def does(self, method: str, *given: Any) -> Any:
        """Have the page do something that is no question, and cannot be refused."""
        return await self.visitor.page.evaluate(f"(given) => {self.OF}.{method}(...given)", list(given))

    async def _said(self, question: str, *given: Any) -> dict[str, Any]:
        asked = f"([question, given]) => {self.OF}.ask(question, given)"
        said: dict[str, Any] = await self.visitor.page.evaluate(asked, [question, list(given)])
        return said
