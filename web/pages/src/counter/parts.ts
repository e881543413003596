// What the board of an errand bundle asks of the process behind the counter: its parts, and telling how far one is.
import * as edge from "../ui/edge.js";

export interface Both {
  readonly zh: string;
  readonly en: string;
}

export type State = "waiting" | "asked" | "submitted" | "received" | "in-progress" | "done" | "rejected";
export type Told = "in-progress" | "done" | "rejected";

export interface Step {
  readonly part: string;
  readonly name: Both;
  readonly depends_on: readonly string[];
  readonly settle_days: number;
  /** Whether its parts are on this board. */
  readonly here: boolean;
}

export interface Row {
  readonly name: string;
  readonly part: string;
  readonly state: State;
  readonly since: string;
  readonly came: string;
  readonly due: string;
  readonly ready: boolean;
  readonly reason: string;
  readonly why: Both | null;
}

export interface Listed {
  readonly bundle: Both;
  readonly about: Both;
  readonly steps: readonly Step[];
  readonly rows: readonly Row[];
  readonly more: number;
  readonly failed: readonly Both[];
}

export interface Decision {
  readonly state: Told;
  readonly time: string;
  readonly message: string;
  readonly document: string;
}

export interface Sheet {
  readonly row: Row;
  readonly zh: readonly string[];
  readonly en: readonly string[];
  readonly declared: readonly { readonly name: Both; readonly value: Both }[];
  readonly decisions: readonly Decision[];
  readonly record: boolean;
}

export interface Beginning {
  readonly link: string;
  /** Rows of the QR code, "1" for a dark module. */
  readonly modules: readonly string[];
}

/** What a clerk says of a part that was in the state `seen`; `act` is of this one act, however often it is sent. */
export interface Act {
  readonly act: string;
  readonly seen: State;
  readonly state: Told;
  readonly message: string;
  readonly document: string;
}

const PART = "counter";

const address = (name: string): string => `parts/${encodeURIComponent(name)}`;

export const recordAddress = (name: string): string => `/counter/${address(name)}/record`;
export const parts = (): Promise<Listed> => asked("GET", "parts");
export const beginning = (): Promise<Beginning> => asked("GET", "parts/begin");
export const sheet = (name: string): Promise<Sheet> => asked("GET", address(name));
export const tell = (name: string, act: Act): Promise<Sheet> => asked("POST", address(name), act);

/**
 * Tell of each change, and whether the line holds; the browser takes a line that was cut up again by itself, and one
 * that was refused is opened anew. Returns what ends it.
 */
export function watch(changed: () => void, line: (holds: boolean) => void): () => void {
  let source: EventSource | undefined;
  let later: ReturnType<typeof setTimeout> | undefined;
  const open = (): void => {
    source = new EventSource("/counter/parts/events");
    source.onopen = () => line(true);
    source.onmessage = changed;
    source.onerror = () => {
      line(false);
      if (source?.readyState !== EventSource.CLOSED) return;
      changed(); // a session that has ended is told by what it looks at
      later = setTimeout(open, AGAIN_MS);
    };
  };
  open();
  return () => {
    clearTimeout(later);
    source?.close();
  };
}

const AGAIN_MS = 5_000;

async function asked<Answer>(method: string, path: string, document?: object): Promise<Answer> {
  return (await edge.send(PART, method, path, document)).json() as Promise<Answer>;
}
