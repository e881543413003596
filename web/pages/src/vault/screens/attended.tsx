// What became of requests that came under standing consents.
import type { VNode } from "preact";

import { Told } from "../../ui/shell.js";
import type { AttendedView } from "../model.js";
import { useFault, useIn, useSay } from "../texts/index.js";

/** What was answered and what was not, one line each. */
export function AttendedTold({ attended }: { attended: readonly AttendedView[] }): VNode {
  const say = useSay();
  const told = useIn();
  const fault = useFault();
  if (attended.length === 0) return <p>{say("attend.nothing")}</p>;
  return (
    <>
      {attended.map((each, at) => {
        const name = told(each.verifierName);
        if (each.fault === null && !each.sent) return <Told key={at} as="unsure">{say("attend.stored", { name })}</Told>;
        if (each.fault === null) return <Told key={at} as="good">{say("attend.answered", { name })}</Told>;
        return (
          <Told key={at} as="unsure">
            {say("attend.not", { name, why: fault(each.fault) })}
          </Told>
        );
      })}
    </>
  );
}
