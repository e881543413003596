// What the counter's page asks of the process that stands behind it. The verifier's key is there and never here.
export interface Purpose {
  readonly id: string;
  readonly zh: string;
  readonly en: string;
}

export interface Purposes {
  readonly verifier: string;
  readonly purposes: readonly Purpose[];
}

export interface Question {
  readonly ask: string;
  readonly link: string;
  /** Rows of the QR code, "1" for a dark module. */
  readonly modules: readonly string[];
  readonly expires: string;
  readonly pairing_code: string;
}

export type State = "waiting" | "answered" | "declined" | "expired" | "refused";

export interface Outcome {
  readonly state: State;
  readonly zh: readonly string[];
  readonly en: readonly string[];
  readonly record: boolean;
}

/** What was refused, with its reason and, where a clerk is to read it, texts. */
export class DeskError extends Error {
  constructor(
    readonly status: number,
    readonly reason: string,
    readonly texts: { readonly zh: string; readonly en: string } | undefined,
  ) {
    super(reason);
  }
}

const WAIT_MS = 60_000;

export const signIn = async (code: string): Promise<void> => void (await send("POST", "session", { code }));
export const signOut = async (): Promise<void> => void (await send("DELETE", "session"));
export const purposes = async (): Promise<Purposes> => (await send("GET", "purposes")).json() as Promise<Purposes>;
/** Ask; with `pairing` the holder has to type a code that stands on this screen. */
export const ask = async (purpose: string, pairing: boolean): Promise<Question> =>
  (await send("POST", "asks", { purpose, pairing })).json() as Promise<Question>;

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

async function send(method: string, path: string, document?: object): Promise<Response> {
  const answer = await fetch(`/counter/${path}`, {
    method,
    signal: AbortSignal.timeout(WAIT_MS),
    ...(document ? { body: JSON.stringify(document), headers: { "content-type": "application/json" } } : {}),
  });
  if (answer.ok) return answer;
  const text = await answer.text();
  try {
    const told = JSON.parse(text) as { reason: string; zh: string; en: string };
    throw new DeskError(answer.status, told.reason, told);
  } catch (error) {
    if (error instanceof DeskError) throw error;
    throw new DeskError(answer.status, text.trim(), undefined);
  }
}
