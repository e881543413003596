// What the monitor has found. Everything in it was written by others and is shown as text.
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";

import { moment, useText } from "../messages/index.js";
import { useSettings } from "../ui/settings.js";
import { Told } from "../ui/shell.js";

const GRADES = ["proven", "stated", "observed"] as const;
const EVIDENCE = /^[a-z0-9_-]{1,80}\.json$/;

interface Alarm {
  readonly kind: string;
  readonly fault: string;
  readonly grade: (typeof GRADES)[number];
  readonly origin: string;
  readonly accused: readonly string[];
  readonly evidence: string;
  readonly at: number;
}

type Heard = { readonly watched: boolean; readonly alarms: readonly Alarm[] } | "failed";

export function AlarmsView(): VNode {
  const text = useText();
  const [heard, setHeard] = useState<Heard>();
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const ended = new AbortController();
    hear(ended.signal).then(setHeard, () => ended.signal.aborted || setHeard("failed"));
    return () => ended.abort();
  }, [turn]);
  return (
    <section class="card" aria-labelledby="alarms" aria-busy={heard === undefined}>
      <h2 id="alarms">{text("alarms.title")}</h2>
      <p class="quiet">{text("alarms.about")}</p>
      <div aria-live="polite">
        {heard === "failed" && <Told as="unsure">{text("alarms.failed")}</Told>}
        {heard && heard !== "failed" && !heard.watched && <p>{text("alarms.unwatched")}</p>}
        {heard && heard !== "failed" && heard.watched && heard.alarms.length === 0 && (
          <Told as="good">{text("alarms.none")}</Told>
        )}
      </div>
      {heard && heard !== "failed" && heard.alarms.map((each) => <AlarmCard key={each.evidence} alarm={each} />)}
      <button type="button" onClick={() => setTurn(turn + 1)}>
        {text("app.try_again")}
      </button>
    </section>
  );
}

function AlarmCard({ alarm }: { alarm: Alarm }): VNode {
  const text = useText();
  const { language } = useSettings();
  return (
    <article class="card">
      <Told as={alarm.grade === "proven" ? "bad" : "unsure"}>
        {alarm.kind} · {alarm.fault} · {text(`alarms.${alarm.grade}`)}
      </Told>
      <dl class="facts">
        <dt>{text("alarms.log")}</dt>
        <dd>{alarm.origin}</dd>
        <dt>{text("alarms.accused")}</dt>
        <dd class="mono">{alarm.accused.join(", ")}</dd>
        <dt>{text("alarms.at")}</dt>
        <dd>{moment(alarm.at * 1000, language)}</dd>
        <dt>{text("alarms.evidence")}</dt>
        <dd>
          <a href={`/watched/alarms/${alarm.evidence}`} download={alarm.evidence}>
            {alarm.evidence}
          </a>
        </dd>
      </dl>
    </article>
  );
}

async function hear(signal: AbortSignal): Promise<Heard> {
  const answer = await fetch("/watched/alarms", { signal: AbortSignal.any([signal, AbortSignal.timeout(20_000)]) });
  if (!answer.ok) return "failed";
  const document = (await answer.json()) as { watched?: unknown; alarms?: unknown };
  const given = Array.isArray(document.alarms) ? (document.alarms as unknown[]) : [];
  return { watched: document.watched === true, alarms: given.flatMap(read) };
}

function read(given: unknown): Alarm[] {
  const { kind, fault, grade, origin, accused, evidence, at } = given as Record<string, unknown>;
  const known = GRADES.find((each) => each === String(grade).toLowerCase());
  const named = typeof evidence === "string" && EVIDENCE.test(evidence);
  if (!known || !named || typeof at !== "number" || !Array.isArray(accused)) return [];
  return [
    {
      kind: String(kind),
      fault: String(fault),
      grade: known,
      origin: String(origin),
      accused: accused.map(String),
      evidence,
      at,
    },
  ];
}
