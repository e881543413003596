"""What the regulator sees: figures and charts of use, refusals and over-asking, and of no person."""

import datetime as dt
import os
from pathlib import Path
from typing import Annotated, Final, Literal

import typer
from rich.console import RenderableType
from rich.table import Table

from disclosure import civil_date
from disclosure.names import RegulatorName
from zk.clients.statistics import StatisticsClient
from zk.commands.regulator.common import GROUP, Id, TokenFile, date_of, reading_token
from zk.fresh import TokenHash, fresh_secret, made_here, read_hash
from zk.regulator.figures import Row, charts, csv_of, kinds_in, rows_of, short
from zk.run import Answer, Run
from zk.tokens import AdminTokenFile, admin_token

_DAYS: Final = 30
By = Literal["day", "verifier", "policy", "department", "purpose"]
Only = Annotated[str, typer.Option(help="help.regulator.only")]


@GROUP.command("access", remote=True, proposable=True)
def access(
    run: Run, regulator: Id, admin_token_file: AdminTokenFile = None, token_hash: TokenHash = None
) -> Answer:
    """Give a regulator a token to read figures with; the one before ends. By the hash it is the regulator's
    own."""
    name, path = RegulatorName(regulator), run.home.regulator_token(regulator)
    if token_hash is not None:
        hashed = read_hash(token_hash)
        with StatisticsClient(run.endpoint) as client:
            client.give_access(name, admin_token(admin_token_file), hashed=hashed)
        given = run.text("regulator.access_by_hash", regulator=name)
        return Answer({"regulator": str(name), "token_hash": hashed.hex()}, [given])
    with fresh_secret(path) as own, StatisticsClient(run.endpoint) as client:
        client.give_access(name, admin_token(admin_token_file), own)
    return Answer(
        {"regulator": str(name), "token_file": str(path)}, [run.text("regulator.access", path=path)]
    )


@GROUP.command("token")
def token(
    run: Run,
    regulator: Id,
    replacing: Annotated[bool, typer.Option("--replace", help="help.option.token_replace")] = False,
) -> Answer:
    """Make a token here and print its hash, by which administrators give access without knowing it."""
    name = RegulatorName(regulator)
    path, hashed = made_here(run.home.regulator_token(regulator), replacing=replacing)
    data = {"regulator": str(name), "token_file": str(path), "token_hash": hashed}
    return Answer(data, [run.text("tokens.made", name=name, path=path, hash=hashed)])


@GROUP.command("view", remote=True)
def view(
    run: Run,
    first: Annotated[str | None, typer.Option("--from", metavar="DATE", help="help.regulator.from")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DATE", help="help.regulator.to")] = None,
    by: Annotated[By, typer.Option("--by", help="help.regulator.by")] = "verifier",
    verifier: Only = "",
    policy: Only = "",
    department: Only = "",
    purpose: Only = "",
    token_file: TokenFile = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="help.regulator.csv")] = None,
    plots: Annotated[Path | None, typer.Option("--plots", help="help.regulator.plots")] = None,
) -> Answer:
    """Show who asked how often, under which policy, for which purpose, and what came of it."""
    end = date_of(last) if last else civil_date(dt.datetime.now(dt.UTC))
    days = (date_of(first) if first else end - dt.timedelta(days=_DAYS - 1)), end
    given = {"verifier": verifier, "policy": policy, "department": department, "purpose": purpose}
    only = {name: value for name, value in given.items() if value}
    shown, files = reading_token(run, token_file), list[str]()
    with StatisticsClient(run.endpoint) as client:
        found = list(client.figures(shown, days, (by,), only))
        if csv is not None:
            _write(csv, csv_of(found))
            files.append(str(csv))
        if plots is not None:
            drawn = charts(lambda apart: client.figures(shown, days, apart, only), days, run.lang)
            for name, picture in drawn.items():
                _write(plots / name, picture)
                files.append(str(plots / name))
    rows = rows_of(found, by)
    lines: list[RenderableType] = [run.text("regulator.view.days", first=days[0], last=days[1])]
    lines.append(_table(run, by, rows) if rows else run.text("regulator.view.nothing"))
    lines += [run.text("regulator.view.written", path=each) for each in files]
    data = {
        "from": days[0].isoformat(),
        "to": days[1].isoformat(),
        "by": by,
        "figures": [{"name": row.name, "counts": dict(sorted(row.counts.items()))} for row in rows],
        "files": files,
    }
    return Answer(data, lines)


@GROUP.command("published", remote=True)
def published(
    run: Run, month: Annotated[str, typer.Argument(metavar="YYYY-MM", help="help.regulator.month")]
) -> Answer:
    """Show what everybody may know of a month that is over: nothing that was counted a few times only."""
    of = date_of(f"{month}-01")
    with StatisticsClient(run.endpoint) as client:
        found, least = client.published(of.year, of.month)
    rows = rows_of(found, "verifier")
    lines: list[RenderableType] = [
        run.text("regulator.view.least", month=month, least=least),
        _table(run, "verifier", rows),
    ]
    figures = [{"name": row.name, "counts": dict(sorted(row.counts.items()))} for row in rows]
    return Answer({"month": month, "least": least, "figures": figures}, lines)


def _table(run: Run, by: str, rows: list[Row]) -> Table:
    kinds, table = kinds_in(rows), Table(box=None, pad_edge=False)
    table.add_column(run.text(f"regulator.by.{by}"))
    for kind in kinds:
        table.add_column(run.text(f"regulator.kind.{kind}"), justify="right")
    for row in rows:
        table.add_row(short(row.name, run.lang), *(f"{row.counts[kind]:,}" for kind in kinds))
    return table


def _write(path: Path, content: str) -> None:
    """Write a file that others may read: there is nobody in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_text(content, encoding="utf-8")
    os.replace(part, path)
