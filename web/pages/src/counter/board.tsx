// The board of an errand bundle: what has come in for the counters that work here, live.
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { useText } from "../messages/index.js";
import { isSignedOut, signOut } from "../ui/edge.js";
import { QrCode } from "../ui/qr.js";
import { Told } from "../ui/shell.js";
import { Facts, namesOf } from "./facts.js";
import { Part } from "./part.js";
import { type Beginning, type Listed, beginning, parts, watch } from "./parts.js";
import { partAddress } from "./place.js";
import { useTexts } from "./texts/index.js";

interface Props {
  /** The part that is open, by its name; empty for none. */
  readonly part: string;
  readonly out: () => void;
}

export function Board({ part, out }: Props): VNode {
  const { text } = useTexts();
  const general = useText();
  const { listed, holds } = useBoard(out);
  if (listed === undefined) return <p role="status">{text(holds ? "parts.loading" : "away")}</p>;
  return (
    <>
      <Line listed={listed} holds={holds} />
      {part !== "" && <Part key={part} name={part} listed={listed} out={out} />}
      {part === "" && <Bundle listed={listed} />}
      {part === "" && <Rows listed={listed} />}
      <p class="unprinted">
        <button type="button" class="small" onClick={() => void signOut("counter").finally(out)}>
          {general("counter.sign_out")}
        </button>
      </p>
    </>
  );
}

/** What the board shows now, and whether the line to it holds. */
function useBoard(out: () => void): { listed: Listed | undefined; holds: boolean } {
  const [listed, show] = useState<Listed>();
  const [holds, setHolds] = useState(true);
  useEffect(() => {
    let asked = 0;
    let shown = 0;
    const look = (): void => {
      const mine = ++asked;
      parts().then(
        (told) => {
          if (mine < shown) return; // one that was asked later has come before
          shown = mine;
          show(told);
          setHolds(true);
        },
        (error: unknown) => {
          if (isSignedOut(error)) out();
          else setHolds(false);
        },
      );
    };
    const end = watch(look, (line) => {
      if (!line) setHolds(false);
    });
    return () => {
      shown = Infinity;
      end();
    };
  }, []);
  return { listed, holds };
}

/** Whether what is shown is of now, for screen readers too. */
function Line({ listed, holds }: { listed: Listed; holds: boolean }): VNode {
  const { text, of } = useTexts();
  return (
    <div role="status" class="unprinted">
      {!holds && <Told as="unsure">{text("away")}</Told>}
      {holds && listed.failed.map((each) => <Told key={each.en} as="unsure">{of(each)}</Told>)}
    </div>
  );
}

function Bundle({ listed }: { listed: Listed }): VNode {
  const { text, of } = useTexts();
  const known = new Map(listed.steps.map((each) => [each.part, of(each.name)]));
  return (
    <section class="card" aria-labelledby="bundle">
      <h2 id="bundle">{of(listed.bundle) || text("view.errands")}</h2>
      <p class="quiet">{of(listed.about)}</p>
      {listed.steps.length > 0 && <Begin />}
      <details class="unprinted">
        <summary>{text("steps")}</summary>
        <ol class="lines" data-test="steps">
          {listed.steps.map((each) => (
            <li key={each.part}>
              {of(each.name)}: {text(each.here ? "step.here" : "step.elsewhere")}
              {each.depends_on.length > 0 && `; ${text("step.after", { names: namesOf(each.depends_on, known) })}`}
              {each.settle_days > 0 && `; ${text("step.days", { days: each.settle_days })}`}
            </li>
          ))}
        </ol>
      </details>
    </section>
  );
}

/** The code that a person's vault begins the errand with. */
function Begin(): VNode {
  const { text } = useTexts();
  const general = useText();
  const [shown, show] = useState<Beginning>();
  const [failed, setFailed] = useState(false);
  const sent = useRef(false);
  const begin = (): void => {
    if (sent.current) return;
    sent.current = true;
    beginning()
      .then(
        (told) => {
          setFailed(false);
          show(told);
        },
        () => setFailed(true),
      )
      .finally(() => (sent.current = false));
  };
  return (
    <div class="unprinted">
      {shown === undefined && (
        <p>
          <button type="button" class="first" onClick={begin}>
            {text("begin")}
          </button>
        </p>
      )}
      <div aria-live="assertive">{failed && <Told as="unsure">{text("begin.away")}</Told>}</div>
      {shown !== undefined && (
        <section aria-labelledby="begin">
          <h3 id="begin">{text("begin.show")}</h3>
          <QrCode modules={shown.modules} label={text("begin.qr")} />
          <p class="quiet">{text("begin.about")}</p>
          <details>
            <summary>{general("counter.link")}</summary>
            <p class="mono" data-test="link">
              {shown.link}
            </p>
          </details>
          <p>
            <button type="button" onClick={() => show(undefined)}>
              {text("begin.close")}
            </button>
          </p>
        </section>
      )}
    </div>
  );
}

function Rows({ listed }: { listed: Listed }): VNode {
  const { text } = useTexts();
  return (
    <section class="card" aria-labelledby="parts">
      <h2 id="parts">{text("parts")}</h2>
      {listed.rows.length === 0 && <p role="status">{text("parts.none")}</p>}
      <ul class="parts" data-test="parts">
        {listed.rows.map((row) => (
          <li key={row.name}>
            <a href={partAddress(row.name)}>
              <Facts row={row} listed={listed} />
            </a>
          </li>
        ))}
      </ul>
      {listed.more > 0 && <p class="quiet">{text("parts.more", { count: listed.more })}</p>}
    </section>
  );
}
