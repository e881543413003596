// What stands of a part in the board's list, and at the head of its sheet.
import type { VNode } from "preact";

import { moment } from "../messages/index.js";
import type { Listed, Row } from "./parts.js";
import { useTexts } from "./texts/index.js";

/** What steps are called, by their identifiers in the bundle. */
export const namesOf = (names: readonly string[], known: ReadonlyMap<string, string>): string =>
  names.map((each) => known.get(each) ?? each).join(", ");

export function Facts({ row, listed }: { row: Row; listed: Listed }): VNode {
  const { text, of, day, language } = useTexts();
  const known = new Map(listed.steps.map((each) => [each.part, of(each.name)]));
  const after = listed.steps.find((each) => each.part === row.part)?.depends_on ?? [];
  const waits = row.state === "received" && !row.ready && after.length > 0;
  return (
    <>
      <span class="step">{known.get(row.part) ?? row.part}</span>{" "}
      <span class={`state ${row.state}`}>{text(`state.${row.state}`)}</span>{" "}
      <span class="quiet">{text("part.since", { time: moment(Date.parse(row.since), language) })}</span>{" "}
      {row.due !== "" && <span class="quiet">{text("part.due", { day: day(row.due) })}</span>}{" "}
      {waits && <span class="quiet">{text("part.waits", { names: namesOf(after, known) })}</span>}{" "}
      {row.why !== null && (
        <span class="reason">
          {text(row.state === "submitted" ? "sheet.waits" : "sheet.reason", { why: of(row.why), reason: row.reason })}
        </span>
      )}
      <span class="quiet mono">{row.name}</span>
    </>
  );
}
