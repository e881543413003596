"""`zk demo`: a city's stories on a real server, and what must fail failing."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from zk.demo import DemoResult
from zk.demo.consortium.story import NAME as CONSORTIUM
from zk.demo.stories.outcome import StoryResult
from zk.demo.stories.playing import NAMES, StoriesResult, run_consortium, run_stories
from zk.demo.stories.show import tables
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.messages import local
from zk.run import Answer, Run, terminable


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    Group("", app).command("demo")(demo)


def demo(
    run: Run,
    output: Annotated[Path, typer.Option("--output", help="help.demo.output")] = Path("demo-output"),
    story: Annotated[str | None, typer.Option("--story", metavar="NAME", help="help.demo.story")] = None,
) -> Answer:
    """Play the demo, or one part; exit 0 only if everything succeeded that must, and failed that must."""
    if story is not None and story not in (*NAMES, CONSORTIUM):
        known = ", ".join((*NAMES, CONSORTIUM))
        raise CommandError(Exit.USAGE, "STORY_UNKNOWN", "error.story_unknown", story=story, known=known)
    names = NAMES if story is None else (story,)

    def tell(step: str) -> None:
        run.say(run.text(step))

    with terminable():
        if story == CONSORTIUM:
            result = run_consortium(output, tell)
        else:
            result = run_stories(output, names, run.lang, tell)
    exit_code = Exit.OK if result.went_as_it_must else Exit.UNHEALTHY
    return Answer(_data(run, result), list(tables(result, run.lang)), exit_code)


def _data(run: Run, result: StoriesResult) -> dict[str, Any]:
    saved = result.saved
    return {
        "people": result.people,
        "stories": [_story(run, each) for each in result.stories],
        "attacks": _attacks(result.attacks) if result.attacks else None,
        "leaks": list(result.leaks),
        "saved": {**dataclasses.asdict(saved), "minutes": saved.minutes},
        "seconds": result.seconds,
        "went_as_it_must": result.went_as_it_must,
    }


def _story(run: Run, story: StoryResult) -> dict[str, Any]:
    facts = [
        {
            "name": each.key,
            "holds": each.holds,
            **{name: _plain(run, value) for name, value in each.values.items()},
        }
        for each in story.facts
    ]
    return {
        "name": story.name,
        "seconds": story.seconds,
        "facts": facts,
        "refusals": [{**dataclasses.asdict(each), "as_it_must": each.as_it_must} for each in story.refusals],
        "uses": [
            {"verifier": each.verifier, "documents": list(map(str, each.documents))} for each in story.uses
        ],
        "went_as_it_must": story.went_as_it_must,
    }


def _plain(run: Run, value: object) -> object:
    return value if isinstance(value, str | int) else local(run.lang, value)  # type: ignore[arg-type]


def _attacks(result: DemoResult) -> dict[str, Any]:
    data = dataclasses.asdict(result)
    data["ledger"] |= {"path": str(result.ledger.path), "root": result.ledger.root.hex()}
    data["refusals"] = [
        {**dataclasses.asdict(each), "as_it_must": each.as_it_must} for each in result.refusals
    ]
    return {**data, "went_as_it_must": result.went_as_it_must}
