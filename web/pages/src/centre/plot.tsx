// Use over the days, as lines: a drawing for the eye. The table that is told apart by day has the same numbers.
import type { VNode } from "preact";

import type { Page, Sum } from "./books.js";
import { type Line, counted } from "./counts.js";
import type { Range } from "./counts-views.js";
import { useBooks } from "./listed.js";
import { useTexts } from "./texts/index.js";

/** What is drawn: a question, and each way in which it ends. */
const DRAWN = ["asked", "answered", "declined", "expired", "over_asked"] as const;
const WIDTH = 400;
const HEIGHT = 220;
const LEFT = 60;
const RIGHT = 10;
const TOP = 10;
const BOTTOM = 24;
const TICKS = 4;
const DAY_MS = 86_400_000;

export function Plot({ range }: { range: Range }): VNode | null {
  const { text, number, date, word } = useTexts();
  const { told, error } = useBooks<Page<Sum>>("statistics", { ...range, by: "day" });
  if (told === undefined || error !== undefined) return null; // the table says why
  const { lines, greatest } = counted(told.rows, DRAWN);
  if (greatest === 0) return null;
  // Of a page that is not the last one the last day may be cut among its kinds.
  const last = told.next === "" ? range.last : (lines.at(-2)?.of ?? range.first);
  const days = daysOf(range.first, last);
  const step = stepOf(greatest);
  const top = Math.ceil(greatest / step) * step;
  const height = (count: number): number => TOP + (HEIGHT - TOP - BOTTOM) * (1 - count / top);
  const label = text("plot.told", { first: date(range.first), last: date(last), greatest: number(greatest) });
  return (
    <figure class="plot">
      <svg class="plot" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
        {ticksOf(top, step).map((each) => (
          <g key={each}>
            <line class="rule" x1={LEFT} x2={WIDTH - RIGHT} y1={height(each)} y2={height(each)} />
            <text x={LEFT - 6} y={height(each) + 4} text-anchor="end">
              {number(each)}
            </text>
          </g>
        ))}
        <text x={LEFT} y={HEIGHT - 6}>
          {date(range.first)}
        </text>
        <text x={WIDTH - RIGHT} y={HEIGHT - 6} text-anchor="end">
          {date(last)}
        </text>
        {DRAWN.map((kind) => (
          <polyline key={kind} class={`drawn ${kind}`} points={pointsOf(lines, kind, days, height)} />
        ))}
      </svg>
      <figcaption>
        <ul class="legend">
          {DRAWN.map((kind) => (
            <li key={kind}>
              <svg class="swatch" viewBox="0 0 32 8" aria-hidden="true" focusable="false">
                <line class={`drawn ${kind}`} x1="0" x2="32" y1="4" y2="4" />
              </svg>{" "}
              {word(kind)}
            </li>
          ))}
        </ul>
        {told.next !== "" && <p class="quiet">{text("plot.part", { day: date(last) })}</p>}
      </figcaption>
    </figure>
  );
}

/** One line, by day; a day on which nothing was counted is at the bottom, and a single day is drawn across. */
function pointsOf(
  lines: readonly Line[],
  kind: string,
  days: readonly string[],
  height: (count: number) => number,
): string {
  const counts = new Map(lines.map((each) => [each.of, each.counts.get(kind) ?? 0]));
  const all = days.length === 1 ? [...days, ...days] : days;
  const wide = (WIDTH - LEFT - RIGHT) / (all.length - 1);
  return all.map((day, at) => `${(LEFT + at * wide).toFixed(1)},${height(counts.get(day) ?? 0).toFixed(1)}`).join(" ");
}

/** The days from the first to the last, which are written YYYY-MM-DD. */
function daysOf(first: string, last: string): readonly string[] {
  const [from, to] = [Date.parse(first), Date.parse(last)];
  const many = Math.max(1, Math.round((to - from) / DAY_MS) + 1);
  return Array.from({ length: many }, (_, at) => new Date(from + at * DAY_MS).toISOString().slice(0, 10));
}

/** How far two rules are apart: a round number, so that there are few of them. */
function stepOf(greatest: number): number {
  const least = greatest / TICKS;
  const power = 10 ** Math.floor(Math.log10(least));
  const round = [1, 2, 5, 10].find((each) => each * power >= least) ?? 10;
  return Math.max(1, round * power);
}

const ticksOf = (top: number, step: number): readonly number[] =>
  Array.from({ length: Math.round(top / step) + 1 }, (_, at) => at * step);
