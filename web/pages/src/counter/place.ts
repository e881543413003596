// Where on the counter's page somebody is, as the address says it: asking, the board, or one part of the board.
import { useEffect, useState } from "preact/hooks";

export type View = "ask" | "errands";

export interface Place {
  /** Undefined where the address says nothing. */
  readonly view: View | undefined;
  /** The part that is open, by its name; empty for none. */
  readonly part: string;
}

export const partAddress = (name: string): string => `#errands/${name}`;
export const BOARD_ADDRESS = "#errands";

const PART = /^#errands\/([A-Za-z0-9_-]{22})$/;

function read(): Place {
  const part = PART.exec(location.hash)?.[1];
  if (part !== undefined) return { view: "errands", part };
  return { view: location.hash === BOARD_ADDRESS ? "errands" : location.hash === "#ask" ? "ask" : undefined, part: "" };
}

/** The place that the address names now; the browser's back button goes to the one before. */
export function usePlace(): Place {
  const [place, go] = useState(read);
  useEffect(() => {
    const changed = (): void => {
      go(read());
      document.getElementById("main")?.focus({ preventScroll: true });
    };
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return place;
}
