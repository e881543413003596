"""The stories' result as tables that a newcomer understands."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from disclosure import LocalizedText
from zk.demo import show
from zk.demo.result import Refusal
from zk.demo.savings import MINUTES_A_COPY, MINUTES_A_VISIT
from zk.demo.stories.outcome import Fact, StoryResult
from zk.demo.stories.playing import StoriesResult
from zk.messages import Language, local, reason_text, text


def tables(result: StoriesResult, lang: Language) -> Iterator[RenderableType]:
    """Give what is printed, from top to bottom: the stories, the last part, what was saved."""
    for each in result.stories:
        yield _story(each, lang)
    if result.attacks is not None:
        yield text(lang, "story.attacks.title")
        yield from show.tables(result.attacks, lang)
    if result.people:
        yield _saved(result, lang)
        where = ", ".join(result.leaks)
        yield text(
            lang,
            "stories.leak" if where else "stories.no_leak",
            where=where,
            people=result.people,
            shown=result.shown,
        )
    yield text(
        lang,
        "stories.well" if result.went_as_it_must else "stories.not_well",
        seconds=f"{result.seconds:.1f}",
    )


def _story(story: StoryResult, lang: Language) -> Table:
    title = text(lang, f"story.{story.name}.title")
    table = Table(
        title=text(lang, "stories.seconds", title=title, seconds=f"{story.seconds:.1f}"),
        title_justify="left", title_style="bold", show_header=False,
    )  # fmt: skip
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    for fact in story.facts:
        table.add_row(_told(fact, lang), _mark(lang, "demo.holds", well=fact.holds))
    for refusal in story.refusals:
        table.add_row(_refused(refusal, lang), _mark(lang, "demo.refused", well=refusal.as_it_must))
    return table


def _mark(lang: Language, key: str, *, well: bool) -> Text:
    return Text(text(lang, key if well else "stories.ill"), style="green" if well else "bold red")


def _told(fact: Fact, lang: Language) -> str:
    values = {
        name: local(lang, value) if isinstance(value, LocalizedText) else value
        for name, value in fact.values.items()
    }
    return text(lang, fact.key, **values)


def _refused(refusal: Refusal, lang: Language) -> str:
    meaning = reason_text(lang, refusal.reason, refusal.detail)
    return f"{text(lang, refusal.name)}: {refusal.status} {refusal.reason}, {meaning}"


def _saved(result: StoriesResult, lang: Language) -> Table:
    saved = result.saved
    table = Table(title=text(lang, "stories.saved.title"), title_justify="left", title_style="bold")
    for index in range(2):
        table.add_column(text(lang, f"stories.saved.{index}"), overflow="fold")
    for name in ("uses", "visits", "documents", "copies", "minutes"):
        label = text(lang, f"stories.saved.{name}", visit=MINUTES_A_VISIT, copy=MINUTES_A_COPY)
        table.add_row(label, str(getattr(saved, name)))
    return table
