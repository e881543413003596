// How often things happened: issuance, revocations, uses, and months as everybody may know them.
import type { VNode } from "preact";
import { useState } from "preact/hooks";

import { Bar, Count } from "./bars.js";
import type { Published, Sum } from "./books.js";
import { Card, Mono, Name } from "./catalogue-views.js";
import { type Line, cityDay, counted } from "./counts.js";
import { type Column, Listed, Paged, State, Table, useBooks } from "./listed.js";
import { Plot } from "./plot.js";
import { useTexts } from "./texts/index.js";

const SUM = (row: Sum): string => `${row.of} ${row.kind}`;
const ISSUED = ["offered", "claimed", "revoked"];
const DIMENSIONS = ["verifier", "policy", "purpose", "department", "day"] as const;
const SHOWN_DAYS = 30;

export function IssuanceView(): VNode {
  const { text } = useTexts();
  const [range, setRange] = useState(lately);
  return (
    <Card id="issuance" title={text("view.issuance")} about={text("issuance.about")}>
      <Days range={range} chosen={setRange} />
      <Paged
        key={JSON.stringify(range)}
        listing="statistics"
        asked={{ ...range, by: "department" }}
        id={SUM}
        shown={(sums) => <Sums sums={sums} title={text("view.issuance")} head={text("department")} only={ISSUED} />}
        lines={(sums) => counted(sums, ISSUED).lines.length}
      />
    </Card>
  );
}

export function RevocationsView(): VNode {
  const { text, number, day } = useTexts();
  return (
    <Card id="revocations" title={text("view.revocations")} about={text("revocations.about")}>
      <Listed
        listing="revocations"
        title={text("view.revocations")}
        id={(row) => row.name}
        columns={[
          { head: text("department"), cell: (row) => <Name row={row} /> },
          {
            head: text("lists"),
            cell: (row) =>
              row.lists.length === 0 ? (
                text("no_list")
              ) : (
                <ul class="lines">
                  {row.lists.map((each) => (
                    <li key={each.name}>
                      {text("list", {
                        revoked: number(each.revoked),
                        epoch: number(each.epoch),
                        since: day(each.since),
                      })}
                      <br />
                      <Mono name={each.name} />
                    </li>
                  ))}
                </ul>
              ),
          },
        ]}
      />
    </Card>
  );
}

export function StatisticsView(): VNode {
  const { text } = useTexts();
  const [range, setRange] = useState(lately);
  const [by, setBy] = useState<(typeof DIMENSIONS)[number]>("verifier");
  return (
    <>
      <Card id="statistics" title={text("view.statistics")} about={text("statistics.about")}>
        <p>
          <label for="by">{text("by")}</label>
          <select id="by" value={by} onChange={(event) => setBy(DIMENSIONS[event.currentTarget.selectedIndex] ?? by)}>
            {DIMENSIONS.map((each) => (
              <option key={each} value={each}>
                {text(each)}
              </option>
            ))}
          </select>
        </p>
        <Days range={range} chosen={setRange} />
        <Plot key={JSON.stringify(range)} range={range} />
        <Paged
          key={JSON.stringify([by, range])}
          listing="statistics"
          asked={{ ...range, by }}
          id={SUM}
          shown={(sums) => <Sums sums={sums} title={text("view.statistics")} head={text(by)} />}
          lines={(sums) => counted(sums).lines.length}
        />
      </Card>
      <PublishedMonth />
    </>
  );
}

/** A month as everybody may know it: what the service leaves out is left out here. */
function PublishedMonth(): VNode {
  const { text } = useTexts();
  const last = new Date(`${cityDay(0).slice(0, 7)}-01T00:00:00Z`);
  last.setUTCDate(0);
  const [month, setMonth] = useState(last.toISOString().slice(0, 7));
  const [asked, setAsked] = useState(month);
  const { told, error, busy, again } = useBooks<Published>("published", { month: asked });
  const submit = (event: Event): void => {
    event.preventDefault();
    setAsked(month);
  };
  return (
    <Card id="published" title={text("published")} about={text("published.about", { least: told?.least ?? "–" })}>
      <form onSubmit={submit}>
        <label for="month">{text("month")}</label>
        <div class="row searching">
          <input
            id="month"
            type="month"
            required
            pattern="[0-9]{4}-[0-9]{2}"
            value={month}
            onInput={(event) => setMonth(event.currentTarget.value)}
          />
          <button type="submit">{text("show")}</button>
        </div>
      </form>
      {told && told.rows.length > 0 && !busy && error === undefined && (
        <Sums sums={told.rows} title={text("published")} head={text("verifier")} least={told.least} />
      )}
      <State error={error} busy={busy} again={again}>
        {told?.rows.length === 0 && <p>{text("published.none")}</p>}
      </State>
    </Card>
  );
}

interface SumsProps {
  readonly sums: readonly Sum[];
  readonly title: string;
  readonly head: string;
  readonly only?: readonly string[];
  /** In whose steps the counts are, where they are not exact. */
  readonly least?: number;
}

function Sums({ sums, title, head, only, least }: SumsProps): VNode {
  const { text, word } = useTexts();
  const { kinds, lines, greatest } = counted(sums, only);
  const columns: readonly Column<Line>[] = [
    { head, cell: (line) => (line.of ? <Mono name={line.of} /> : text("of_none")) },
    ...kinds.map((kind) => ({
      head: word(kind),
      cell: (line: Line) => <Stepped count={line.counts.get(kind) ?? 0} greatest={greatest} least={least} />,
      number: true,
    })),
    ...(only ? [{ head: text("claimed_part"), cell: (line: Line) => <Part line={line} />, number: true }] : []),
  ];
  return lines.length === 0 ? <p>{text("none")}</p> : <Table title={title} columns={columns} rows={lines} id={OF} />;
}

const OF = (line: Line): string => line.of;

interface SteppedProps {
  readonly count: number;
  readonly greatest: number;
  readonly least: number | undefined;
}

/** A count; one in steps is a range, and one that is left out is below the least. */
export function Stepped({ count, greatest, least }: SteppedProps): VNode {
  const { text, number } = useTexts();
  if (least === undefined) return <Count count={count} greatest={greatest} />;
  if (count < least) return <>{text("fewer", { least: number(least) })}</>;
  return (
    <>
      {text("between", { from: number(count), to: number(count + least - 1) })}
      <Bar part={count / greatest} />
    </>
  );
}

/** How many of those that were offered went to their holders. They may have been offered before these days. */
function Part({ line }: { line: Line }): VNode {
  const { text, percent } = useTexts();
  const offered = line.counts.get("offered") ?? 0;
  if (offered === 0) return <>{text("nothing_offered")}</>;
  const part = (line.counts.get("claimed") ?? 0) / offered;
  return (
    <>
      {percent(part)}
      <Bar part={part} />
    </>
  );
}

/** Days from the first to the last, as a person may choose them. */
export interface Range {
  readonly first: string;
  readonly last: string;
}

const lately = (): Range => ({ first: cityDay(1 - SHOWN_DAYS), last: cityDay(0) });

export function Days({ range, chosen }: { range: Range; chosen: (range: Range) => void }): VNode {
  const { text } = useTexts();
  const [first, setFirst] = useState(range.first);
  const [last, setLast] = useState(range.last);
  const submit = (event: Event): void => {
    event.preventDefault();
    chosen({ first, last });
  };
  return (
    <form class="days" onSubmit={submit}>
      <p>
        <label for="first">{text("first")}</label>
        <input id="first" type="date" required value={first} onInput={(event) => setFirst(event.currentTarget.value)} />
      </p>
      <p>
        <label for="last">{text("last")}</label>
        <input id="last" type="date" required value={last} onInput={(event) => setLast(event.currentTarget.value)} />
      </p>
      <button type="submit">{text("show")}</button>
    </form>
  );
}
