// The tree of RFC 6962 and what is proven of it (RFC 9162, section 2.1; tlog/merkle.py).
import { sha256 } from "@noble/hashes/sha2.js";

import { LedgerError, checkCount, joined, same, type Reason } from "./encoding.js";

export const HASH_OCTETS = 32;
const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);
const INCLUSION: Reason = "INCLUSION_INVALID";
const CONSISTENCY: Reason = "CONSISTENCY_INVALID";

/** A run of leaves: the first, and the one after the last. */
type Span = readonly [begin: bigint, end: bigint];
/** A complete subtree: its level, and its number within the level. */
export type Node = readonly [level: number, index: bigint];
export type NodeReader = (level: number, index: bigint) => Uint8Array;

export const leafHash = (entry: Uint8Array): Uint8Array => sha256(joined(LEAF, entry));
export const nodeHash = (left: Uint8Array, right: Uint8Array): Uint8Array => sha256(joined(NODE, left, right));

/** One step of an inclusion proof: the sibling, where it stands, and what both make. */
export interface Step {
  readonly sibling: Uint8Array;
  readonly siblingIsLeft: boolean;
  readonly made: Uint8Array;
}

/** Follow an inclusion proof from a leaf upwards; every step is returned. Raises INCLUSION_INVALID. */
export function followInclusion(
  leaf: Uint8Array,
  index: bigint,
  size: bigint,
  proof: readonly Uint8Array[],
): Step[] {
  const spans = inclusionSpans(index, size);
  if (spans.length !== proof.length || [leaf, ...proof].some((each) => each.length !== HASH_OCTETS)) {
    throw new LedgerError(INCLUSION, "the proof has another number of hashes");
  }
  let made = leaf;
  return spans.map(([begin], at) => {
    const sibling = proof[at]!;
    const siblingIsLeft = begin < index;
    made = siblingIsLeft ? nodeHash(sibling, made) : nodeHash(made, sibling);
    return { sibling, siblingIsLeft, made };
  });
}

/** Verify that a leaf hash stands at `index` under `root`; the steps are returned. Raises INCLUSION_INVALID. */
export function verifyInclusion(
  leaf: Uint8Array,
  index: bigint,
  size: bigint,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): Step[] {
  const steps = followInclusion(leaf, index, size, proof);
  if (!same(steps.at(-1)?.made ?? leaf, root)) {
    throw new LedgerError(INCLUSION, `the proof of leaf ${index} leads to another root`);
  }
  return steps;
}

/** Verify that the tree of `second` leaves extends that of `first`, at least 1. Raises CONSISTENCY_INVALID. */
export function verifyConsistency(
  first: bigint,
  second: bigint,
  proof: readonly Uint8Array[],
  firstRoot: Uint8Array,
  secondRoot: Uint8Array,
): void {
  checkCount(first, CONSISTENCY, 1n);
  const spans = consistencySpans(first, second);
  if (spans.length !== proof.length || [firstRoot, secondRoot, ...proof].some((each) => each.length !== 32)) {
    throw new LedgerError(CONSISTENCY, "the proof has another number of hashes");
  }
  const pairs = spans.map((span, at) => [span, proof[at]!] as const);
  // Where the last complete subtree of the older tree is all of it, its hash is left out: it is the older root.
  const start = pairs[0] && pairs[0][0][0] < first ? pairs.shift()![1] : firstRoot;
  let older = start;
  let newer = start;
  for (const [[begin], sibling] of pairs) {
    if (begin >= first) {
      newer = nodeHash(newer, sibling);
    } else {
      older = nodeHash(sibling, older);
      newer = nodeHash(sibling, newer);
    }
  }
  if (!same(older, firstRoot) || !same(newer, secondRoot)) {
    throw new LedgerError(CONSISTENCY, `the tree of ${second} leaves is not shown to extend that of ${first}`);
  }
}

/** Make an inclusion proof out of complete nodes. */
export function inclusionProof(index: bigint, size: bigint, node: NodeReader): Uint8Array[] {
  return inclusionSpans(index, size).map((span) => spanHash(span, node));
}

/** The complete nodes that `inclusionProof` reads. */
export function nodesForInclusion(index: bigint, size: bigint): Node[] {
  return inclusionSpans(index, size).flatMap(completeNodes);
}

function inclusionSpans(index: bigint, size: bigint): Span[] {
  checkCount(size, INCLUSION, 1n);
  checkCount(index, INCLUSION, 0n, size);
  const spans: Span[] = [];
  let [begin, end] = [0n, size];
  while (end - begin > 1n) {
    const middle = begin + split(end - begin);
    if (index < middle) {
      spans.push([middle, end]);
      end = middle;
    } else {
      spans.push([begin, middle]);
      begin = middle;
    }
  }
  return spans.reverse();
}

function consistencySpans(first: bigint, second: bigint): Span[] {
  checkCount(second, CONSISTENCY);
  checkCount(first, CONSISTENCY, 0n, second + 1n);
  const spans: Span[] = [];
  let [begin, end] = [0n, second];
  while (first !== 0n && end !== first) {
    const middle = begin + split(end - begin);
    if (first <= middle) {
      spans.push([middle, end]);
      end = middle;
    } else {
      spans.push([begin, middle]);
      begin = middle;
    }
  }
  if (begin !== 0n) spans.push([begin, end]);
  return spans.reverse();
}

/** The largest power of two below `count`, which is 2 or more. */
function split(count: bigint): bigint {
  return 1n << BigInt((count - 1n).toString(2).length - 1);
}

function completeNodes([begin, end]: Span): Node[] {
  const nodes: Node[] = [];
  while (begin < end) {
    const level = (end - begin).toString(2).length - 1;
    nodes.push([level, begin >> BigInt(level)]);
    begin += 1n << BigInt(level);
  }
  return nodes;
}

function spanHash(span: Span, node: NodeReader): Uint8Array {
  const hashes = completeNodes(span).map(([level, index]) => node(level, index));
  return hashes.reduceRight((right, left) => nodeHash(left, right));
}
