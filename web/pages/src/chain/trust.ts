// Whom this browser trusts: what a person keeps here, else what the server hands out, which is told as such.
import { utf8 } from "../ledger/encoding.js";
import { loadMldsa, mldsaIsLoaded } from "../ledger/mldsa.js";
import { type Policy, parsePolicy, policyText } from "../ledger/policy.js";
import { keep, kept } from "../ui/settings.js";

const KEPT = "zk.trust";
const MAX_OCTETS = 1 << 20;

export type Source = "kept" | "policy" | "key";

export interface Trust {
  readonly policy: Policy;
  readonly source: Source;
  /** Whether something is kept that cannot be read; then it was not used. */
  readonly damaged: boolean;
}

/** Find whom to trust, and load what verifies it; `serviceKey` is asked only where nobody names anything else. */
export async function findTrust(serviceKey: () => Promise<string>): Promise<Trust> {
  const trust = await found(serviceKey);
  const needed = trust.policy.witnesses.some((each) => each.key.type === 6);
  // Where it cannot be had those witnesses have cosigned nothing, and the page says why.
  if (needed && !mldsaIsLoaded()) await loadMldsa().catch(() => undefined);
  return trust;
}

async function found(serviceKey: () => Promise<string>): Promise<Trust> {
  const text = kept(KEPT);
  if (text !== null) {
    const policy = readable(text);
    if (policy) return { policy, source: "kept", damaged: false };
  }
  const damaged = text !== null;
  const answer = await fetch("/watched/policy", { signal: AbortSignal.timeout(20_000) });
  if (answer.ok) {
    return { policy: parsePolicy(new Uint8Array(await answer.arrayBuffer())), source: "policy", damaged };
  }
  return { policy: parsePolicy(utf8(await serviceKey())), source: "key", damaged };
}

/** Keep a policy or a key that was pasted; raises what `parsePolicy` raises, and keeps nothing then. */
export function keepTrust(text: string): void {
  keep(KEPT, policyText(parsePolicy(utf8(text.slice(0, MAX_OCTETS).trim() + "\n"))));
}

export const keepPolicy = (policy: Policy): void => keep(KEPT, policyText(policy));

export const forgetTrust = (): void => keep(KEPT, null);

function readable(text: string): Policy | undefined {
  try {
    return parsePolicy(utf8(text));
  } catch {
    return undefined;
  }
}
