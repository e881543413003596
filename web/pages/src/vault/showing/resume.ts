// Going on with every use and event that was broken off at this service (prover/client/resuming.py).

import { ConnectError } from "@connectrpc/connect";

import { faultOf } from "../fault.js";
import type { Opened } from "../parts.js";
import { eventIn, eventsIn } from "./events.js";
import { type Outgoing, sendEvent, sendUsage, wasWrittenDown } from "./sending.js";
import { isPart, usagesIn } from "./usages.js";

/**
 * Send what was not sent. A refusal for good is written down and not thrown. One item's failure does not stop the others,
 * unless the service cannot be reached; the first such failure is thrown after everything else was gone on with.
 */
export async function resumeShowing(opened: Opened, server: string, outgoing?: Outgoing): Promise<void> {
  const { uses, events } = await opened.store.read(async (draft) => (
    { uses: await usagesIn(draft), events: await eventsIn(draft) }));
  const failures: unknown[] = [];
  for (const each of uses) {
    const waits = each.state === "sent" && each.server === server && !isPart(each); // a part of an errand goes out with its event
    if (waits) await apart(failures, judged(() => sendUsage(opened, each)));
  }
  for (const each of events) {
    if (each.state !== "sent" || each.server !== server) continue;
    // How one ended may have ended another: what a grant was refused for has nothing to withdraw.
    const now = () => opened.store.read((draft) => eventIn(draft, each.id));
    await apart(failures, judged(async () => sendEvent(opened, await now(), outgoing)));
  }
  if (failures.length > 0) throw failures[0];
}

/** How many uses and events are still to be sent to a service. */
export function unsent(opened: Opened, server: string): Promise<number> {
  return opened.store.read(async (draft) => {
    const all = [...(await usagesIn(draft)).filter((each) => !isPart(each)), ...(await eventsIn(draft))];
    return all.filter((each) => each.state === "sent" && each.server === server).length;
  });
}

/** A refusal for good was written down: it is no failure. */
const judged = (work: () => Promise<unknown>) => async (): Promise<void> => {
  try {
    await work();
  } catch (error) {
    if (!wasWrittenDown(error)) throw error;
  }
};

/** Let one item's failure not stop the others, unless the service cannot be reached. */
export async function apart(failures: unknown[], work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof ConnectError && faultOf(error).passing) throw error;
    failures.push(error);
  }
}
