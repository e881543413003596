// What is under way: applications that wait and that were decided, pushes of records. All counts are in steps.
import type { VNode } from "preact";
import { useState } from "preact/hooks";

import { Bar } from "./bars.js";
import type { Decided, Push, Pushes, Queue, Waiting } from "./books.js";
import { Card, Mono } from "./catalogue-views.js";
import { cityDay } from "./counts.js";
import { Days, type Range, Stepped } from "./counts-views.js";
import { type Column, State, Table, useBooks } from "./listed.js";
import { useTexts } from "./texts/index.js";

const SHOWN_DAYS = 30;
const LOOKED_AT_MS = 5_000;
const ENDED = ["approved", "refused", "cancelled"] as const;
const CAME = ["issued", "unchanged", "replaced", "renewed", "rejected", "withdrawn"] as const;

/** Days that are over: of one that goes on, nothing is told. */
const lately = (): Range => ({ first: cityDay(-SHOWN_DAYS), last: cityDay(-1) });

export function ApplicationsView(): VNode {
  const { text, date } = useTexts();
  const [range, setRange] = useState(lately);
  const { told, error, busy, again } = useBooks<Queue>("queue", { ...range });
  const about = text("applications.about", { least: told?.least ?? "–" });
  return (
    <Card id="applications" title={text("view.applications")} about={about}>
      {told && (
        <>
          <h3>{text("waiting", { day: date(told.until) })}</h3>
          <WaitingTable queue={told} />
        </>
      )}
      <h3>{text("decided")}</h3>
      <Days range={range} chosen={setRange} />
      {told && <DecidedTable queue={told} />}
      <State error={error} busy={busy} again={again} />
    </Card>
  );
}

function WaitingTable({ queue }: { queue: Queue }): VNode {
  const { text } = useTexts();
  const greatest = Math.max(0, ...queue.rows.map((each) => each.count));
  const longest = Math.max(0, ...queue.rows.map((each) => each.oldest_days));
  const columns: readonly Column<Waiting>[] = [
    { head: text("item"), cell: (row) => <Mono name={row.item} /> },
    {
      head: text("waits"),
      cell: (row) => <Stepped count={row.count} greatest={greatest} least={queue.least} />,
      number: true,
    },
    { head: text("oldest"), cell: (row) => <Waited row={row} longest={longest} />, number: true },
  ];
  if (queue.rows.length === 0) return <p>{text("waiting.none")}</p>;
  return <Table title={text("waits")} columns={columns} rows={queue.rows} id={(row) => row.item} />;
}

function Waited({ row, longest }: { row: Waiting; longest: number }): VNode {
  const { text, number } = useTexts();
  return (
    <>
      {text("days", { days: number(row.oldest_days) })}
      <Bar part={longest > 0 ? row.oldest_days / longest : 0} />
    </>
  );
}

function DecidedTable({ queue }: { queue: Queue }): VNode {
  const { text, date } = useTexts();
  const greatest = Math.max(0, ...queue.decided.flatMap((row) => ENDED.map((each) => row[each])));
  const columns: readonly Column<Decided>[] = [
    { head: text("day"), cell: (row) => date(row.day) },
    { head: text("department"), cell: (row) => <Mono name={row.department} /> },
    ...ENDED.map((each) => ({
      head: text(`decided.${each}`),
      cell: (row: Decided) => <Stepped count={row[each]} greatest={greatest} least={queue.least} />,
      number: true,
    })),
  ];
  if (queue.decided.length === 0) return <p>{text("decided.none")}</p>;
  const rows = [...queue.decided].reverse();
  return <Table title={text("decided")} columns={columns} rows={rows} id={(row) => `${row.day} ${row.department}`} />;
}

/** The newest pushes, looked at again while the page is seen. */
export function PushesCard(): VNode {
  const { text, number } = useTexts();
  const { told, error, busy, again } = useBooks<Pushes>("pushes", {}, LOOKED_AT_MS);
  const rows = told?.rows ?? [];
  const greatest = Math.max(0, ...rows.flatMap((row) => CAME.map((each) => row[each])));
  const columns: readonly Column<Push>[] = [
    { head: text("item"), cell: (row) => <span class="broad"><Mono name={row.schema} /></span> },
    { head: text("state"), cell: (row) => <PushState row={row} /> },
    ...CAME.map((each) => ({
      head: text(`push.${each}`),
      cell: (row: Push) => <Stepped count={row[each]} greatest={greatest} least={told?.least} />,
      number: true,
    })),
  ];
  const running = rows.filter((each) => each.state === "running").length;
  return (
    <Card id="pushes" title={text("pushes")} about={text("pushes.about", { least: told?.least ?? "–" })}>
      {rows.length > 0 && <Table title={text("pushes")} columns={columns} rows={rows} id={(row) => row.id} />}
      <State error={error} busy={busy} again={again}>
        {told && <p class="quiet">{text(rows.length > 0 ? "pushes.running" : "none", { count: number(running) })}</p>}
      </State>
    </Card>
  );
}

function PushState({ row }: { row: Push }): VNode {
  const { text, word, date } = useTexts();
  return (
    <span class="whole">
      {word(row.state)}
      <br />
      <span class="quiet">{text("began", { day: date(row.day) })}</span>
    </span>
  );
}
