// The newest checkpoint, checked: against whom the person trusts, and against what this browser saw before.
import { LedgerError, fromBase64, toBase64, utf8 } from "../ledger/encoding.js";
import { type Verifier, verifierText } from "../ledger/keys.js";
import type { Checkpoint } from "../ledger/note.js";
import { type Opened, type Policy, demandsWitnesses, open, parsePolicy } from "../ledger/policy.js";
import type { GetCheckpointResponse, Witnessing } from "../../gen/zkproto/v1/ledger_pb.js";
import { ledger } from "../service.js";
import { keep, kept } from "../ui/settings.js";
import { checkExtends } from "./extends.js";
import { type Trust, findTrust } from "./trust.js";

const SEEN = "zk.seen.";
/** What this page saw since it was opened, by the key of the log. */
const seenHere = new Map<string, Checkpoint>();

/** `opened`: nothing was seen before, and nothing is remembered, as the person keeps no key. */
export type Growth = "first" | "opened" | "grown" | "shrunk" | "forked";

export interface Head {
  readonly trust: Trust;
  readonly opened: Opened;
  /** The newest checkpoint with the quorum's cosignatures, if one is shown. */
  readonly anchored: Opened | undefined;
  readonly growth: Growth;
  /** How many entries this browser saw before. */
  readonly before: bigint;
  readonly witnessing: Witnessing | undefined;
}

/** What could be found out: a head, or why there is none, with whom it was asked for. */
export type Found = { readonly head: Head } | { readonly trust: Trust; readonly error: LedgerError };

/** Ask for the newest checkpoint and check it. Raises ConnectError where the service is away. */
export async function findHead(signal: AbortSignal): Promise<Found> {
  const answer = await ledger.getCheckpoint({}, { signal });
  const trust = await findTrust(async () => answer.verifierKey);
  try {
    return { head: await checked(trust, answer, signal) };
  } catch (error) {
    if (error instanceof LedgerError) return { trust, error };
    throw error;
  }
}

async function checked(trust: Trust, answer: GetCheckpointResponse, signal: AbortSignal): Promise<Head> {
  const policy = trust.source === "key" ? withNext(trust, answer.nextVerifierKey) : trust.policy;
  const opened = open(answer.checkpoint, policy);
  const cosigned = answer.anchored.length > 0 && demandsWitnesses(policy) ? open(answer.anchored, policy) : undefined;
  const anchored = cosigned?.anchored ? cosigned : undefined;
  if (anchored) await checkExtends(anchored.checkpoint, opened.checkpoint, signal);
  const before = seen(policy, opened.checkpoint.origin);
  const since = await growthSince(before, opened.checkpoint, signal);
  const pinned = trust.source === "kept";
  if (since === "first" || since === "grown") remember(opened, pinned);
  const growth = since === "first" && !pinned ? "opened" : since;
  const { witnessing } = answer;
  return { trust, opened, anchored, growth, before: before?.size ?? 0n, witnessing };
}

/** Where the service's own word is all there is, it may change its key by it too. */
function withNext(trust: Trust, next: string): Trust["policy"] {
  if (!next) return trust.policy;
  return { ...trust.policy, logs: [...trust.policy.logs, ...parsePolicy(utf8(next)).logs] };
}

async function growthSince(before: Checkpoint | undefined, now: Checkpoint, signal: AbortSignal): Promise<Growth> {
  if (!before) return "first";
  if (before.size > now.size) return "shrunk";
  try {
    await checkExtends(before, now, signal);
  } catch (error) {
    if (error instanceof LedgerError) return "forked";
    throw error;
  }
  return "grown";
}

/** The largest ledger that was seen under a log's key, or under another key of it that is trusted as much. */
function seen(policy: Policy, origin: string): Checkpoint | undefined {
  const found = policy.logs
    .filter((each) => each.name === origin)
    .flatMap((each) => [seenHere.get(verifierText(each)), seenBefore(each)])
    .filter((each) => each !== undefined);
  return found.reduce<Checkpoint | undefined>((most, each) => (most && most.size >= each.size ? most : each), undefined);
}

function seenBefore(log: Verifier): Checkpoint | undefined {
  try {
    const { size, root } = JSON.parse(kept(SEEN + verifierText(log)) ?? "null") as { size: string; root: string };
    return { origin: log.name, size: BigInt(size), root: fromBase64(root, "CHECKPOINT_MALFORMED", 32) };
  } catch {
    return undefined;
  }
}

/**
 * Remember a checkpoint under the key that signed it, beyond this page only where the person keeps the key: a
 * server that names a key of its own, or a policy, can neither fill this memory nor use up that of an honest log.
 */
function remember({ checkpoint, log }: Opened, pinned: boolean): void {
  const { size, root } = checkpoint;
  seenHere.set(verifierText(log), checkpoint);
  if (pinned) keep(SEEN + verifierText(log), JSON.stringify({ size: String(size), root: toBase64(root) }));
}
