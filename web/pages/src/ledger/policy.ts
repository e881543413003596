// Policies (c2sp.org/tlog-policy; tlog/policy.py): whose signatures make a checkpoint count.
import { LedgerError, fromUtf8, same } from "./encoding.js";
import { type Verifier, cosigns, parseVerifier, verifierText } from "./keys.js";
import { type Checkpoint, type Voucher, parseCheckpoint, parseNote, vouchers } from "./note.js";

const BAD = "POLICY_MALFORMED";
const MAX_OCTETS = 1 << 20;
const NONE = "none";
const THRESHOLD = /^[1-9][0-9]{0,3}$/;
const THRESHOLDS = new Map<string, (members: number) => number>([
  ["any", () => 1],
  ["all", (members) => members],
]);

export interface Witness {
  readonly name: string;
  readonly key: Verifier;
}

export interface Group {
  readonly name: string;
  readonly threshold: number;
  readonly members: readonly string[];
}

export interface Policy {
  readonly logs: readonly Verifier[];
  readonly witnesses: readonly Witness[];
  readonly groups: readonly Group[];
  readonly quorum: string;
}

/** A checkpoint that a log of the policy signed, with the known witnesses that cosigned it. */
export interface Opened {
  readonly checkpoint: Checkpoint;
  readonly log: Verifier;
  readonly cosignatures: readonly (Voucher & { readonly witness: string })[];
  /** Whether the quorum has cosigned; without a demand for witnesses it is never so. */
  readonly anchored: boolean;
}

/** The policy that believes a log alone. */
export const ofLog = (key: Verifier): Policy => ({ logs: [key], witnesses: [], groups: [], quorum: NONE });

/** Whether the quorum needs anybody beside the log. */
export const demandsWitnesses = (policy: Policy): boolean => policy.quorum !== NONE;

/** Read a policy file, or a log's key alone. Raises POLICY_MALFORMED, KEY_MALFORMED, KEY_UNSUPPORTED. */
export function parsePolicy(octets: Uint8Array): Policy {
  if (octets.length > MAX_OCTETS) throw new LedgerError(BAD, "a policy is too long");
  const text = fromUtf8(octets.map((each) => (each === 9 ? 32 : each)), BAD);
  const lines = text.split("\n").map((each) => each.split(" ").filter(Boolean));
  const said = lines.filter((each) => each.length > 0 && !each[0]!.startsWith("#"));
  if (said.length === 1 && said[0]!.length === 1) return ofLog(logKey(said[0]![0]!));
  return new Reading().read(said);
}

class Reading {
  private readonly logs: Verifier[] = [];
  private readonly witnesses: Witness[] = [];
  private readonly groups: Group[] = [];
  private readonly names = new Set<string>();
  private readonly members = new Set<string>();
  private quorum: string | undefined;

  read(lines: readonly string[][]): Policy {
    for (const each of lines) this.line(each);
    if (this.quorum === undefined) throw new LedgerError(BAD, "there is no line that says the quorum");
    const policy = { logs: this.logs, witnesses: this.witnesses, groups: this.groups, quorum: this.quorum };
    checkKeys(policy);
    return policy;
  }

  private line([kind, ...items]: string[]): void {
    const [first = "", second = ""] = items;
    if (kind === "log" && (items.length === 1 || items.length === 2)) {
      this.logs.push(logKey(first));
    } else if (kind === "witness" && (items.length === 2 || items.length === 3)) {
      const key = parseVerifier(second);
      if (!cosigns(key)) throw new LedgerError("KEY_MISMATCH", "a witness's key is not a cosigner's");
      this.define(first);
      this.witnesses.push({ name: first, key });
    } else if (kind === "group" && items.length > 2) {
      this.group(first, second, items.slice(2));
    } else if (kind === "quorum" && items.length === 1 && this.quorum === undefined) {
      if (first !== NONE) this.known(first);
      this.quorum = first;
    } else {
      throw new LedgerError(BAD, `a line of ${kind} that says something else, or again`);
    }
  }

  private group(name: string, count: string, members: string[]): void {
    const threshold = THRESHOLDS.get(count)?.(members.length) ?? (THRESHOLD.test(count) ? Number(count) : 0);
    if (threshold < 1 || threshold > members.length) throw new LedgerError(BAD, "a group's number is none");
    for (const each of members) {
      this.known(each);
      if (this.members.has(each)) throw new LedgerError(BAD, `${each} counts already`);
      this.members.add(each);
    }
    this.define(name);
    this.groups.push({ name, threshold, members });
  }

  private define(name: string): void {
    if (!name || name === NONE || this.names.has(name)) throw new LedgerError(BAD, `${name} is defined twice`);
    this.names.add(name);
  }

  private known(name: string): void {
    if (!this.names.has(name)) throw new LedgerError(BAD, `${name} is not defined above`);
  }
}

function logKey(text: string): Verifier {
  const key = parseVerifier(text);
  if (cosigns(key)) throw new LedgerError("KEY_MISMATCH", "a cosigner's key is not a log's");
  return key;
}

function checkKeys(policy: Policy): void {
  const keys = [...policy.logs, ...policy.witnesses.map((each) => each.key)];
  for (const [at, one] of keys.entries()) {
    for (const other of keys.slice(at + 1)) {
      if (same(one.publicKey, other.publicKey) || (one.name === other.name && same(one.keyId, other.keyId))) {
        throw new LedgerError("KEY_AMBIGUOUS", "two lines of the policy share a key, or name and id");
      }
    }
  }
  checkCountedOnce(policy);
}

/** Keys of one name are one witness's: they count once, in one group of any. */
function checkCountedOnce(policy: Policy): void {
  const counting = new Map<string, Set<Group>>();
  for (const witness of policy.witnesses) {
    const group = policy.groups.find((each) => each.members.includes(witness.name));
    if (!group) continue;
    const groups = counting.get(witness.key.name) ?? new Set<Group>();
    if (groups.size > 0 && (!groups.has(group) || group.threshold > 1)) {
      throw new LedgerError("KEY_AMBIGUOUS", `${witness.key.name} would count more than once`);
    }
    counting.set(witness.key.name, groups.add(group));
  }
}

/** Tell whether these witnesses reach the quorum. */
export function satisfied(policy: Policy, cosigned: readonly Verifier[]): boolean {
  if (!demandsWitnesses(policy)) return true;
  const reached = new Set(
    policy.witnesses.filter((each) => cosigned.includes(each.key)).map((each) => each.name),
  );
  for (const group of policy.groups) {
    if (group.members.filter((each) => reached.has(each)).length >= group.threshold) reached.add(group.name);
  }
  return reached.has(policy.quorum);
}

/**
 * Verify a checkpoint that one of the policy's logs signed, and tell who of its witnesses cosigned it.
 * Raises NOTE_MALFORMED, CHECKPOINT_MALFORMED, NOTE_UNSIGNED, NOTE_SIGNATURE_INVALID, ORIGIN_UNKNOWN.
 */
export function open(octets: Uint8Array, policy: Policy): Opened {
  const note = parseNote(octets);
  const known = vouchers(note, [...policy.logs, ...policy.witnesses.map((each) => each.key)]);
  const signed = known.filter((each) => policy.logs.includes(each.key)).map((each) => each.key);
  if (signed.length === 0) throw new LedgerError("NOTE_UNSIGNED", "no known log signed the checkpoint");
  const checkpoint = parseCheckpoint(note.text);
  const log = signed.find((each) => each.name === checkpoint.origin);
  if (!log) throw new LedgerError("ORIGIN_UNKNOWN", "the checkpoint's origin is not that of who signed it");
  const cosignatures = policy.witnesses.flatMap((witness) =>
    known.filter((each) => each.key === witness.key).map((each) => ({ ...each, witness: witness.name })),
  );
  const anchored = demandsWitnesses(policy) && satisfied(policy, cosignatures.map((each) => each.key));
  return { checkpoint, log, cosignatures, anchored };
}

/** The file of a policy in its shortest form, which is what is kept and compared. */
export function policyText(policy: Policy): string {
  const lines = [
    ...policy.logs.map((each) => `log ${verifierText(each)}`),
    ...policy.witnesses.map((each) => `witness ${each.name} ${verifierText(each.key)}`),
    ...policy.groups.map((each) => `group ${each.name} ${each.threshold} ${each.members.join(" ")}`),
    `quorum ${policy.quorum}`,
  ];
  return lines.map((each) => `${each}\n`).join("");
}
