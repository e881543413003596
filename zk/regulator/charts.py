"""Charts as SVG that is all text: bars and lines, readable without colour, in any language.

Drawn here and not by a library, so that a regulator needs nothing else installed, and so that Chinese is set
by whatever shows the picture. The same figures give the same file.
"""

import datetime as dt
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

_WIDTH: Final = 860
_RIGHT: Final = 70
_SIZE: Final = 13
_BAR: Final = 22
_GAP: Final = 12
_TOP: Final = 100
_PLOT_HEIGHT: Final = 300
_TICKS: Final = 5
_MOST_BARS: Final = 24
_COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#8a5aa8", "#c9a227", "#b0304a")
_DASHES: Final = ("", "7 4", "2 3", "9 3 2 3", "12 4", "4 2")


@dataclass(frozen=True)
class Bar:
    """A label with one number for each series."""

    label: str
    numbers: tuple[int, ...]

    @property
    def total(self) -> int:
        """All of it."""
        return sum(self.numbers)


@dataclass(frozen=True)
class Titles:
    """What stands around a chart: title, range, axes, series; what is said of none, and of the rest."""

    title: str
    subtitle: str
    axis: str
    days: str
    series: tuple[str, ...]
    nothing: str
    others: str


def bar_chart(titles: Titles, bars: Sequence[Bar]) -> str:
    """Draw bars side by side, longest first, the numbers of each stacked; those after the 24th are one."""
    ordered = sorted((each for each in bars if each.total), key=lambda each: (-each.total, each.label))
    if len(ordered) > _MOST_BARS:
        rest = ordered[_MOST_BARS - 1 :]
        numbers = tuple(map(sum, zip(*(each.numbers for each in rest), strict=True)))
        ordered = [*ordered[: _MOST_BARS - 1], Bar(f"{titles.others} ({len(rest)})", numbers)]
    left = min(380.0, max([60.0, *(_width(each.label) for each in ordered)]) + 24)
    bottom = _TOP + max(1, len(ordered)) * (_BAR + _GAP)
    scale = _Scale(max([1, *(each.total for each in ordered)]), left, _WIDTH - _RIGHT)
    parts = [*(_columns(titles, scale, bottom) if ordered else ()), *_bars(titles, ordered, scale)]
    return _document(titles, bottom + 58, [*_legend(titles, _filled), *parts])


def line_chart(titles: Titles, days: Sequence[dt.date], lines: Sequence[Sequence[int]]) -> str:
    """Draw one line for each series over days, which follow each other."""
    left, bottom = 70.0, _TOP + _PLOT_HEIGHT
    highest = max([1, *(n for line in lines for n in line)])
    across = _Scale(max(1, len(days) - 1), left, _WIDTH - _RIGHT)
    up = _Scale(highest, bottom, _TOP)
    parts = [*_legend(titles, _dashed), *_rows(titles, up, left), *_dates(days, across, bottom)]
    parts.append(_text((left + _WIDTH - _RIGHT) / 2, bottom + 46, titles.days, "middle", "#222"))
    if not any(any(line) for line in lines):
        parts.append(
            _text((left + _WIDTH - _RIGHT) / 2, (_TOP + bottom) / 2, titles.nothing, "middle", "#666")
        )
    for place, line in enumerate(lines):
        points = " ".join(f"{across.at(x):.1f},{up.at(n):.1f}" for x, n in enumerate(line))
        style = f'fill="none" stroke="{_colour(place)}" stroke-width="2" stroke-dasharray="{_dash(place)}"'
        parts.append(f'<polyline points="{points}" {style}/>')
        if len(line) <= 62:
            parts += [_dot(across.at(x), up.at(n), place) for x, n in enumerate(line)]
    return _document(titles, bottom + 62, parts)


@dataclass(frozen=True)
class _Scale:
    """Numbers from 0 on, between two places; the last tick is no less than the highest number."""

    highest: int
    start: float
    end: float

    @property
    def step(self) -> int:
        """What lies between two ticks: 1, 2 or 5 times a power of ten."""
        power: int = 10 ** max(0, len(str(max(1, self.highest // _TICKS))) - 1)
        return next(each * power for each in (1, 2, 5, 10) if each * power * _TICKS >= self.highest)

    @property
    def ticks(self) -> range:
        """The ticks."""
        return range(0, self.step * -(-self.highest // self.step) + 1, self.step)

    def at(self, n: float) -> float:
        """Return the place of a number."""
        return self.start + (self.end - self.start) * n / max(self.highest, self.ticks[-1])


def _columns(titles: Titles, scale: _Scale, bottom: float) -> Iterator[str]:
    """Yield the grid of a chart whose numbers go to the right, and its axis."""
    for n in scale.ticks:
        x = scale.at(n)
        yield _rule(x, _TOP - 6, x, bottom)
        yield _text(x, bottom + 18, f"{n:,}", "middle", "#444")
    yield _text((scale.start + scale.end) / 2, bottom + 42, titles.axis, "middle", "#222")


def _bars(titles: Titles, bars: Sequence[Bar], scale: _Scale) -> Iterator[str]:
    if not bars:
        yield _text((scale.start + scale.end) / 2, _TOP + _BAR, titles.nothing, "middle", "#666")
    for row, bar in enumerate(bars):
        y, done = _TOP + row * (_BAR + _GAP) + _GAP / 2, 0
        yield _text(scale.start - 10, y + _BAR * 0.7, bar.label, "end", "#222", most=scale.start - 20)
        for place, n in enumerate(bar.numbers):
            x, wide = scale.at(done), scale.at(n) - scale.start
            fill = f'fill="{_colour(place)}" stroke="#fff"'
            if n:
                yield f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{_BAR}" {fill}/>'
            done += n
        yield _text(scale.at(done) + 6, y + _BAR * 0.7, f"{bar.total:,}", "start", "#222")


def _rows(titles: Titles, up: _Scale, left: float) -> Iterator[str]:
    """Yield the grid of a chart whose numbers go up, and its axis."""
    for n in up.ticks:
        y = up.at(n)
        yield _rule(left, y, _WIDTH - _RIGHT, y)
        yield _text(left - 8, y + 4, f"{n:,}", "end", "#444")
    yield _text(left - 50, _TOP - 14, titles.axis, "start", "#222")


def _dates(days: Sequence[dt.date], across: _Scale, bottom: float) -> Iterator[str]:
    """Yield the days below a chart, as many as have room."""
    every = max(1, -(-len(days) // 8))
    for x, day in enumerate(days):
        if x % every == 0:
            yield _rule(across.at(x), bottom, across.at(x), bottom + 5)
            yield _text(across.at(x), bottom + 22, day.isoformat(), "middle", "#444")


def _document(titles: Titles, height: float, parts: Sequence[str]) -> str:
    """Return the whole picture: title, range, and what was drawn."""
    body = "\n".join([_heading(titles), *parts])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}" width="{_WIDTH}" '
        f'height="{height:.0f}" role="img" font-family="system-ui, Noto Sans CJK SC, Microsoft YaHei, '
        f'PingFang SC, DejaVu Sans, sans-serif" font-size="{_SIZE}">\n<title>{escape(titles.title)}</title>\n'
        f'<rect width="100%" height="100%" fill="#fff"/>\n{body}\n</svg>\n'
    )


def _legend(titles: Titles, mark: Callable[[float, int], str]) -> Iterator[str]:
    """Yield the names of the series, each beside a mark as it is drawn."""
    x = 20.0
    for place, name in enumerate(titles.series):
        yield mark(x, place)
        yield _text(x + 34, 68, name, "start", "#222")
        x += 34 + _width(name) + 24


def _filled(x: float, place: int) -> str:
    return f'<rect x="{x:.1f}" y="58" width="28" height="11" fill="{_colour(place)}"/>'


def _dashed(x: float, place: int) -> str:
    style = f'stroke="{_colour(place)}" stroke-width="2.5" stroke-dasharray="{_dash(place)}"'
    return f'<line x1="{x:.1f}" y1="63.5" x2="{x + 28:.1f}" y2="63.5" {style}/>'


def _heading(titles: Titles) -> str:
    title = f'<text x="20" y="26" font-size="17" font-weight="600" fill="#111">{escape(titles.title)}</text>'
    return f"{title}\n{_text(20, 45, titles.subtitle, 'start', '#555')}"


def _text(x: float, y: float, text: str, anchor: str, fill: str, most: float = 0.0) -> str:
    while most and _width(text) > most:
        text = f"{text.rstrip('…')[:-1]}…"
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}">{escape(text)}</text>'


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#e2e2e2"/>'


def _dot(x: float, y: float, place: int) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{_colour(place)}"/>'


def _colour(place: int) -> str:
    return _COLOURS[place % len(_COLOURS)]


def _dash(place: int) -> str:
    return _DASHES[place % len(_DASHES)]


def _width(text: str) -> float:
    """Return about how wide a text is: a Chinese character as its size, any other a good half of it."""
    return sum(_SIZE * (1.0 if unicodedata.east_asian_width(each) in "WF" else 0.58) for each in text)
