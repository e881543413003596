// Receipts (tlog/receipt.py, tlog/proof_file.py, disclosure/receipt.py): a proof file whose extra data opens the
// leaf's commitment. Nothing of a receipt leaves the page.
import { sha256 } from "@noble/hashes/sha2.js";

import {
  LedgerError,
  fromBase64,
  fromBigEndian,
  fromDecimal,
  fromUtf8,
  joined,
  startsWith,
  toBase64,
  toBigEndian,
  utf8,
} from "./encoding.js";
import { receiptEntry } from "./entry.js";
import { HASH_OCTETS, type Step, leafHash, verifyInclusion } from "./merkle.js";
import { type Opened, type Policy, open } from "./policy.js";

const HEADER = "c2sp.org/tlog-proof@v1";
const MAX_FILE_OCTETS = 3_200_000;
const MAX_HASHES = 63;
const COMMITMENT = utf8("zk-disclosure/receipt-commitment/v1\n");
const BODY_LABEL = "zk-disclosure/receipt-body/v1";
const VERSION = 1;

export interface ProofFile {
  readonly index: bigint;
  readonly hashes: readonly Uint8Array[];
  readonly checkpoint: Uint8Array;
  readonly extra: Uint8Array | undefined;
}

/** What a receipt says to those who hold it. */
export interface ReceiptBody {
  readonly verifier: string;
  readonly requestDigest: Uint8Array;
  readonly presentationDigest: Uint8Array;
  readonly verifiedMs: bigint;
}

export interface CheckedReceipt {
  readonly proof: ProofFile;
  readonly leaf: Uint8Array;
  readonly steps: readonly Step[];
  readonly opened: Opened;
  /** Absent where the receipt is of something else than a presentation. */
  readonly body: ReceiptBody | undefined;
  /** What the leaf commits to: the body's octets, and the hash of the holder's note. */
  readonly opening: Opening;
}

export interface Opening {
  readonly body: Uint8Array;
  readonly noteHash: Uint8Array;
}

/** Decode a proof file; raises PROOF_MALFORMED. */
export function parseProofFile(octets: Uint8Array): ProofFile {
  const bad = "PROOF_MALFORMED";
  if (octets.length > MAX_FILE_OCTETS) throw new LedgerError(bad, "the file is too long");
  const gap = octets.findIndex((each, at) => each === 10 && octets[at + 1] === 10);
  if (gap < 0) throw new LedgerError(bad, "no empty line");
  const lines = fromUtf8(octets.subarray(0, gap), bad).split("\n");
  if (lines.shift() !== HEADER) throw new LedgerError(bad, `the first line is not ${HEADER}`);
  const labelled = (label: string): string | undefined =>
    lines[0]?.startsWith(`${label} `) ? lines.shift()!.slice(label.length + 1) : undefined;
  const extra = labelled("extra");
  const index = labelled("index");
  if (index === undefined || lines.length > MAX_HASHES) throw new LedgerError(bad, "no index, or too many hashes");
  return {
    index: fromDecimal(index, bad),
    hashes: lines.map((each) => fromBase64(each, bad, HASH_OCTETS)),
    checkpoint: octets.subarray(gap + 2),
    extra: extra === undefined ? undefined : fromBase64(extra, bad),
  };
}

/** The octets of a proof file; `parseProofFile` gives the same again. */
export function proofFileOctets({ index, hashes, checkpoint, extra }: ProofFile): Uint8Array {
  const lines = [
    HEADER, ...(extra === undefined ? [] : [`extra ${toBase64(extra)}`]), `index ${index}`, ...hashes.map(toBase64),
  ];
  return joined(utf8(`${lines.join("\n")}\n\n`), checkpoint);
}

/**
 * The receipt in a file: a receipt itself, or what a verifier keeps, of which only the receipt is read.
 * Raises PROOF_MALFORMED.
 */
export function receiptOf(file: Uint8Array): Uint8Array {
  if (startsWith(file, utf8(HEADER))) return file;
  try {
    const document: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(file));
    const receipt = (document as { receipt?: unknown } | null)?.receipt;
    if (typeof receipt === "string") return fromBase64(receipt, "PROOF_MALFORMED");
  } catch (error) {
    if (error instanceof LedgerError) throw error;
  }
  throw new LedgerError("PROOF_MALFORMED", "neither a receipt nor a record");
}

/** The hash of the leaf that a receipt's opening makes, and what is in it. Raises RECEIPT_MALFORMED. */
export function leafOf(proof: ProofFile): Opening & { readonly leaf: Uint8Array } {
  const bad = "RECEIPT_MALFORMED";
  const opening = proof.extra;
  if (!opening) throw new LedgerError(bad, "a proof without an opening is no receipt");
  const bodyAt = 1 + HASH_OCTETS + 4;
  const end = bodyAt + Number(fromBigEndian(opening.subarray(bodyAt - 4, bodyAt)));
  if (opening[0] !== VERSION || opening.length !== end + HASH_OCTETS) {
    throw new LedgerError(bad, "another version, or lengths that do not add up");
  }
  const salt = opening.subarray(1, 1 + HASH_OCTETS);
  const body = opening.subarray(bodyAt, end);
  const noteHash = opening.subarray(end);
  const commitment = sha256(joined(COMMITMENT, salt, toBigEndian(BigInt(body.length), 4), body));
  return { leaf: leafHash(receiptEntry(commitment, noteHash)), body, noteHash };
}

/**
 * Check a receipt under a policy: the log's signature, the path from its leaf to the root, who cosigned.
 * Raises PROOF_MALFORMED, RECEIPT_MALFORMED, INCLUSION_INVALID and what `open` raises.
 */
export function checkReceipt(receipt: Uint8Array, policy: Policy): CheckedReceipt {
  const proof = parseProofFile(receipt);
  const { leaf, body, noteHash } = leafOf(proof);
  const opened = open(proof.checkpoint, policy);
  const { size, root } = opened.checkpoint;
  const steps = verifyInclusion(leaf, proof.index, size, proof.hashes, root);
  return { proof, leaf, steps, opened, body: receiptBody(body), opening: { body, noteHash } };
}

/** Read a body of canonical CBOR: one array of the label, a name, two digests and a time. */
function receiptBody(octets: Uint8Array): ReceiptBody | undefined {
  let at = 0;
  const head = (major: number): number => {
    const first = octets[at++] ?? 0xff;
    const [kind, low] = [first >> 5, first & 31];
    const width = low < 24 ? 0 : low < 28 ? 1 << (low - 24) : Number.NaN;
    const value = width ? Number(fromBigEndian(octets.subarray(at, (at += width)))) : low;
    if (kind !== major || !Number.isSafeInteger(value)) throw new LedgerError("RECEIPT_MALFORMED", "no body");
    return value;
  };
  const taken = (major: number): Uint8Array => {
    const length = head(major);
    if (at + length > octets.length) throw new LedgerError("RECEIPT_MALFORMED", "no body");
    return octets.subarray(at, (at += length));
  };
  const text = (): string => fromUtf8(taken(3), "RECEIPT_MALFORMED");
  try {
    if (head(4) !== 5 || text() !== BODY_LABEL) return undefined;
    const verifier = text();
    const requestDigest = taken(2);
    const presentationDigest = taken(2);
    const verifiedMs = BigInt(head(0));
    return at === octets.length ? { verifier, requestDigest, presentationDigest, verifiedMs } : undefined;
  } catch {
    return undefined;
  }
}
