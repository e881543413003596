// Which service this page speaks to, as its edge says: the vault takes links of no other, since all its calls go there.

import { VaultError } from "../fault.js";

const WHERE = "/watched/service";
const PATIENCE_MS = 20_000;
const SERVER = /^[A-Za-z0-9.[\]:-]{1,255}:[1-9][0-9]{0,4}$/;

/** host:port, asked once; VaultError UNAVAILABLE (passing) if the edge was not reached, ANSWER_INVALID. */
export function pageServer(): () => Promise<string> {
  let known: string | null = null;
  return async () => (known ??= await asked());
}

async function asked(): Promise<string> {
  let said: unknown;
  try {
    const answer = await fetch(WHERE, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (!answer.ok) throw new TypeError("it was not answered");
    said = await answer.json();
  } catch {
    throw new VaultError("UNAVAILABLE", "the service was not reached", true);
  }
  const server = (said as { readonly server?: unknown } | null)?.server;
  if (typeof server !== "string" || !SERVER.test(server)) {
    throw new VaultError("ANSWER_INVALID", "the page is not told which service it speaks to");
  }
  return server;
}
