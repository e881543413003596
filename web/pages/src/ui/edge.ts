// What a page asks of the process that hands it out, by the session of a part of it ("counter", "centre").

/** What was refused, with its reason and, where somebody is to read it, texts. */
export class EdgeError extends Error {
  constructor(
    readonly status: number,
    readonly reason: string,
    readonly texts: { readonly zh: string; readonly en: string } | undefined,
  ) {
    super(reason);
  }
}

const WAIT_MS = 60_000;

/** Ask a part of the edge; EdgeError for what it refuses, another error where it cannot be reached. */
export async function send(part: string, method: string, path: string, document?: object): Promise<Response> {
  const answer = await fetch(`/${part}/${path}`, {
    method,
    signal: AbortSignal.timeout(WAIT_MS),
    ...(document ? { body: JSON.stringify(document), headers: { "content-type": "application/json" } } : {}),
  });
  if (answer.ok) return answer;
  const text = await answer.text();
  try {
    const told = JSON.parse(text) as { reason: string; zh: string; en: string };
    throw new EdgeError(answer.status, told.reason, told);
  } catch (error) {
    if (error instanceof EdgeError) throw error;
    throw new EdgeError(answer.status, text.trim(), undefined);
  }
}

export const signIn = async (part: string, code: string): Promise<void> =>
  void (await send(part, "POST", "session", { code }));
export const signOut = async (part: string): Promise<void> => void (await send(part, "DELETE", "session"));

/** Whether something failed because nobody is signed in, or not any more. */
export const isSignedOut = (error: unknown): boolean => error instanceof EdgeError && error.status === 401;
