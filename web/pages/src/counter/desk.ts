// What the counter's page asks of the process that stands behind it. The verifier's key is there and never here.
import * as edge from "../ui/edge.js";

export interface Purpose {
  readonly id: string;
  readonly zh: string;
  readonly en: string;
}

export interface Purposes {
  readonly verifier: string;
  readonly purposes: readonly Purpose[];
  /** Whether there is a board of errands. */
  readonly board?: boolean;
}

export interface Question {
  readonly ask: string;
  readonly link: string;
  /** Rows of the QR code, "1" for a dark module. */
  readonly modules: readonly string[];
  readonly expires: string;
  readonly pairing_code: string;
}

export type State = "waiting" | "answered" | "declined" | "expired" | "refused" | "undecided";

export interface Outcome {
  readonly state: State;
  readonly zh: readonly string[];
  readonly en: readonly string[];
  readonly record: boolean;
}

export { EdgeError as DeskError } from "../ui/edge.js";

const PART = "counter";

export const signOut = (): Promise<void> => edge.signOut(PART);
export const purposes = async (): Promise<Purposes> => (await send("GET", "purposes")).json() as Promise<Purposes>;
/** Ask; with `pairing` the holder has to type a code that stands on this screen. */
export const ask = async (purpose: string, pairing: boolean): Promise<Question> =>
  (await send("POST", "asks", { purpose, pairing })).json() as Promise<Question>;

const ASK = "zk.counter.ask";

/** Remember which question this tab shows, null for none: a reload shows it again, and no other tab does. */
export function remember(name: string | null): void {
  try {
    if (name === null) sessionStorage.removeItem(ASK);
    else sessionStorage.setItem(ASK, name);
  } catch {
    // Where the browser keeps nothing a reload asks anew.
  }
}

/** The question that this tab showed before it was loaded again; null where there is none, or it is forgotten. */
export async function remembered(): Promise<Question | null> {
  try {
    const name = sessionStorage.getItem(ASK);
    if (name === null) return null;
    return (await (await send("GET", `asks/${encodeURIComponent(name)}/question`)).json()) as Question;
  } catch (error) {
    if (error instanceof edge.EdgeError && error.status === 404) remember(null);
    return null;
  }
}

export const recordAddress = (name: string): string => `/counter/asks/${encodeURIComponent(name)}/record`;

/**
 * Tell the states of a question as they come, and whether the line holds; the browser takes a line that was cut up
 * again by itself. Returns what ends it.
 */
export function watch(name: string, told: (outcome: Outcome) => void, line: (holds: boolean) => void): () => void {
  const source = new EventSource(`/counter/asks/${encodeURIComponent(name)}`);
  source.onopen = () => line(true);
  source.onerror = () => line(source.readyState === EventSource.OPEN);
  source.onmessage = (event: MessageEvent<string>) => {
    const outcome = JSON.parse(event.data) as Outcome;
    if (outcome.state === "waiting") return;
    source.close();
    told(outcome);
  };
  return () => source.close();
}

const send = (method: string, path: string, document?: object): Promise<Response> =>
  edge.send(PART, method, path, document);
