// Signed notes and checkpoints (c2sp.org/signed-note, c2sp.org/tlog-checkpoint; tlog/note.py, tlog/checkpoint.py).
import { LedgerError, checkLine, fromBase64, fromDecimal, fromUtf8, same } from "./encoding.js";
import { HASH_OCTETS } from "./merkle.js";
import { cosignsTree, mldsaIsLoaded } from "./mldsa.js";
import { KEY_ID_OCTETS, checkName, type Verifier, sameKey, signedTime, verifies } from "./keys.js";

const MAX_NOTE_OCTETS = 1_000_000;
const MAX_SIGNATURES = 100;
const DASH = "\u2014 ";

export interface SignatureLine {
  readonly name: string;
  readonly keyId: Uint8Array;
  readonly signature: Uint8Array;
}

export interface Note {
  readonly text: string;
  readonly lines: readonly SignatureLine[];
}

export interface Checkpoint {
  readonly origin: string;
  readonly size: bigint;
  readonly root: Uint8Array;
}

/** Take a note apart; nobody has vouched for its text yet. Raises NOTE_MALFORMED. */
export function parseNote(octets: Uint8Array): Note {
  const bad = "NOTE_MALFORMED";
  if (octets.length > MAX_NOTE_OCTETS) throw new LedgerError(bad, "a note is too long");
  const whole = fromUtf8(octets, bad);
  const gap = whole.lastIndexOf("\n\n");
  if (gap < 0) throw new LedgerError(bad, "no empty line before the signatures");
  const written = whole.slice(gap + 2);
  if (!written.endsWith("\n")) throw new LedgerError(bad, "the last line of a note does not end");
  const lines = written.slice(0, -1).split("\n");
  if (lines.length > MAX_SIGNATURES) throw new LedgerError(bad, "too many signatures");
  return { text: whole.slice(0, gap + 1), lines: lines.map(parseLine) };
}

function parseLine(line: string): SignatureLine {
  const parts = line.slice(DASH.length).split(" ");
  if (!line.startsWith(DASH) || parts.length !== 2) throw new LedgerError("NOTE_MALFORMED", "not a signature");
  const [name, encoded] = parts as [string, string];
  const octets = fromBase64(encoded, "NOTE_MALFORMED");
  if (octets.length <= KEY_ID_OCTETS) throw new LedgerError("NOTE_MALFORMED", "a signature is too short");
  try {
    checkName(name);
  } catch {
    throw new LedgerError("NOTE_MALFORMED", "a name that no key has");
  }
  return { name, keyId: octets.subarray(0, KEY_ID_OCTETS), signature: octets.subarray(KEY_ID_OCTETS) };
}

/** Decode the text of a note; raises CHECKPOINT_MALFORMED. */
export function parseCheckpoint(text: string): Checkpoint {
  const bad = "CHECKPOINT_MALFORMED";
  const lines = text.split("\n");
  if (lines.length < 4 || lines.pop() !== "") throw new LedgerError(bad, "a checkpoint has three lines");
  const [origin, size, root, ...extensions] = lines as [string, string, string];
  for (const each of [origin, ...extensions]) checkLine(each, bad);
  return { origin, size: fromDecimal(size, bad), root: fromBase64(root, bad, HASH_OCTETS) };
}

/** A key that vouches for a note, and of a cosigner the latest time at which it did. */
export interface Voucher {
  readonly key: Verifier;
  readonly time: bigint;
}

/**
 * Verify a note against known keys. Lines by unknown keys say nothing; one by a known key that does not verify
 * refuses the note. Raises NOTE_SIGNATURE_INVALID. Keys of type 06 are passed over until `loadMldsa` was there.
 */
export function vouchers(note: Note, keys: readonly Verifier[]): Voucher[] {
  const found: Voucher[] = [];
  for (const line of note.lines) {
    const key = keys.find((each) => each.name === line.name && same(each.keyId, line.keyId));
    if (!key || (key.type === 6 && !mldsaIsLoaded())) continue;
    if (!(key.type === 6 ? cosigns(key, note.text, line) : verifies(key, note.text, line.signature))) {
      throw new LedgerError("NOTE_SIGNATURE_INVALID", `a signature of ${key.name} does not hold`);
    }
    const time = key.type !== 1 ? signedTime(line.signature) : 0n;
    const before = found.findIndex((each) => sameKey(each.key, key));
    if (before < 0) found.push({ key, time });
    else if (found[before]!.time < time) found[before] = { key, time };
  }
  return found;
}

/** A text that is no checkpoint has no signature of a cosigner of trees. */
function cosigns(key: Verifier, text: string, line: SignatureLine): boolean {
  let tree: Checkpoint;
  try {
    tree = parseCheckpoint(text);
  } catch {
    return false;
  }
  return cosignsTree(key, tree, line.signature);
}
