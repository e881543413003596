// The sentences of a consent or of a use: what is shown stands apart from what is only proven, in words and not by colour.
import type { VNode } from "preact";

import type { Line } from "../model.js";
import { type Key, useIn, useSay } from "../texts/index.js";

const GROUPS: readonly (readonly [Line["kind"], Key])[] = [
  ["shown", "ask.shown"],
  ["escrowed", "ask.escrowed"],
  ["proven", "ask.proven"],
  ["linked", "ask.linked"],
  ["fact", "ask.facts"],
];

interface LinesProps {
  readonly lines: readonly Line[];
  /** Of the heading above them. */
  readonly level?: 3 | 4;
}

export function Lines({ lines, level = 3 }: LinesProps): VNode {
  const Heading = level === 3 ? "h4" : "h5";
  const say = useSay();
  const told = useIn();
  const hidden = lines.filter((each) => each.kind === "hidden");
  return (
    <>
      {GROUPS.map(([kind, heading]) => {
        const own = lines.filter((each) => each.kind === kind);
        if (own.length === 0) return null;
        return (
          <div key={kind} class={`group ${kind}`}>
            <Heading>{say(heading)}</Heading>
            <ul>
              {own.map((each, at) => (
                <li key={at}>
                  {told(each.text)}
                  {each.value && (
                    <>
                      : <strong>{told(each.value)}</strong>
                    </>
                  )}
                </li>
              ))}
            </ul>
          </div>
        );
      })}
      {hidden.length > 0 && (
        <details>
          <summary>{say("ask.hidden")}</summary>
          <ul>
            {hidden.map((each, at) => (
              <li key={at}>{told(each.text)}</li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}
