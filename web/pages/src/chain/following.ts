// Follows the ledger while the page is looked at: a stream says that something is new, and then it is asked for.
import { useEffect, useState } from "preact/hooks";

import { ledger } from "../service.js";
import { type Found, findHead } from "./head.js";

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
const ANCHORING_MS = 2_000;
const MOST_LOOKS = 10;

export interface Following {
  /** What was found last; absent until something was. */
  readonly found: Found | undefined;
  readonly online: boolean;
  /** Ask again, with whom the person trusts now. */
  readonly again: () => void;
}

export function useLedger(): Following {
  const [found, setFound] = useState<Found>();
  const [online, setOnline] = useState(true);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const ended = new AbortController();
    let stream = new AbortController();
    const restart = (): void => {
      stream.abort();
      stream = new AbortController();
      if (document.visibilityState === "visible") void follow(stream.signal, setFound, setOnline);
    };
    restart();
    const { signal } = ended;
    document.addEventListener("visibilitychange", restart, { signal });
    addEventListener("online", restart, { signal });
    return () => {
      ended.abort();
      stream.abort();
    };
  }, [turn]);
  return { found, online, again: () => setTurn((each) => each + 1) };
}

async function follow(
  signal: AbortSignal,
  setFound: (found: Found) => void,
  setOnline: (online: boolean) => void,
): Promise<void> {
  let pause = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    try {
      for await (const _ of ledger.watchCheckpoints({}, { signal, timeoutMs: 0 })) {
        await look(signal, setFound);
        setOnline(true);
        pause = FIRST_PAUSE_MS;
      }
    } catch {
      const online = await reachable(signal, setFound);
      if (signal.aborted) return;
      setOnline(online);
    }
    await rest(pause, signal);
    pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
  }
}

/** Look once without a stream: there may be no place left for one, and the service there all the same. */
async function reachable(signal: AbortSignal, setFound: (found: Found) => void): Promise<boolean> {
  try {
    await look(signal, setFound);
    return true;
  } catch {
    return false;
  }
}

/** Look at the newest checkpoint, and some more times while its anchoring is under way. */
async function look(signal: AbortSignal, setFound: (found: Found) => void): Promise<void> {
  const found = await findHead(signal);
  setFound(found);
  if (waits(found)) void lookOn(found, signal, setFound);
}

async function lookOn(first: Found, signal: AbortSignal, setFound: (found: Found) => void): Promise<void> {
  let found = first;
  for (let looks = 0; looks < MOST_LOOKS && waits(found) && !signal.aborted; looks++) {
    await rest(ANCHORING_MS, signal);
    try {
      if (!signal.aborted) setFound((found = await findHead(signal)));
    } catch {
      return; // the stream says what is wrong
    }
  }
}

function waits(found: Found): boolean {
  if (!("head" in found)) return false;
  const { opened, anchored, trust } = found.head;
  return trust.policy.witnesses.length > 0 && (anchored?.checkpoint.size ?? 0n) < opened.checkpoint.size;
}

function rest(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
