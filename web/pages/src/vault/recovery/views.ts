// What was found on the ledger, as the history's screens are told it (prover/history.py, `zk vault history`): the note's own
// words, and whether the entry stands on the ledger, which is checked anew without asking anybody.

import { LedgerError, same as sameOctets } from "../../ledger/encoding.js";
import { parseVerifier } from "../../ledger/keys.js";
import { HASH_OCTETS, leafHash, verifyInclusion } from "../../ledger/merkle.js";
import type { Checkpoint } from "../../ledger/note.js";
import { ofLog, open } from "../../ledger/policy.js";
import type { Line, ReceiptState, Text, UseView } from "../model.js";
import type { Opened } from "../parts.js";
import { eventsIn } from "../showing/events.js";
import { type EventKind, noteHash } from "../showing/notes.js";
import { usagesIn } from "../showing/usages.js";
import { safe, same } from "../telling/saying.js";
import { type FoundUse, type Said, saidIn } from "./notes.js";
import type { ProvingFrontier } from "./proving.js";
import { noteKey } from "./reader.js";
import { type Found, foundIn, nameOf, type Reading, readingIn, treeOf, verifiedOf } from "./records.js";

/** What happened, in the words of `zk vault history`. */
export const HAPPENED: Readonly<Record<EventKind, Text>> = {
  "account-registered": { zh: "已登记", en: "registered" },
  "declined": { zh: "您已拒绝", en: "you declined" },
  "over-asked": { zh: "已拒绝：索取过多", en: "REFUSED: asked too much" },
  "consent-granted": { zh: "已同意持续授权", en: "standing consent granted" },
  "consent-declined": { zh: "已拒绝持续授权", en: "standing consent declined" },
  "consent-withdrawn": { zh: "已撤回持续授权", en: "standing consent withdrawn" },
  "sent": { zh: "您已发送资料", en: "you sent data" },
  "received": { zh: "您收到资料", en: "you received data" },
  "applied": { zh: "您已申请", en: "you applied" },
  "appointed": { zh: "您已委托代理人", en: "you appointed an agent" },
  "appointment-ended": { zh: "您已终止委托", en: "you ended an appointment" },
  "errand-submitted": { zh: "已提交一件事", en: "errand submitted" },
};
const CUT: Text = { zh: "附注容纳不下全部名称", en: "more was shown than the note has room to name" };
const LATER: Text = { zh: "由更新的程序写下", en: "written by a later version of this program" };

/** The tree that is verified, and its signed checkpoint; null if that does not hold. */
interface Verified {
  readonly checkpoint: Checkpoint | null;
  readonly tree: ProvingFrontier;
}

/** What is verified and the vault has no record of its own of; copies of its notes are told as such. */
export async function foundViews({ store, log }: Opened): Promise<readonly UseView[]> {
  const { reading, found, own } = await store.read(async (draft) => ({
    reading: await readingIn(draft, log),
    found: await foundIn(draft),
    own: new Set([...(await usagesIn(draft)), ...(await eventsIn(draft))].map(({ holderNote }) => noteKey(holderNote))),
  }));
  if (reading === null) return [];
  const verified = { checkpoint: checkpointOf(reading), tree: treeOf(reading.verified) };
  const strange = verifiedOf(found, reading).filter(({ holderNote, copyOf }) => copyOf !== null || !own.has(noteKey(holderNote)));
  return Promise.all(strange.map(async (each) =>
    viewOf(each, await saidIn(store, each.holderNote), standingOf(each, verified))));
}

function viewOf(found: Found, said: Said | null, receipt: ReceiptState): UseView {
  const { party, title, time, lines } = aboutOf(found, said);
  return {
    id: nameOf(found), state: found.copyOf === null ? "found" : "copy", time, verifier: party, verifierName: same(safe(party)),
    purpose: { zh: safe(title.zh), en: safe(title.en) }, lines, receipt, entry: String(found.index), fault: null,
    standing: false,
  };
}

interface About {
  readonly party: string;
  readonly title: Text;
  readonly time: number;
  readonly lines: readonly Line[];
}

function aboutOf(found: Found, said: Said | null): About {
  if (said === null) return { party: "", title: LATER, time: found.time, lines: [] };
  if ("use" in said) {
    const { verifier, purpose, time } = said.use;
    return { party: verifier, title: purpose, time, lines: shownLines(said.use) };
  }
  const { party, title, time, kind } = said.event;
  return { party, title, time, lines: [fact(HAPPENED[kind])] };
}

const fact = (text: Text): Line => ({ kind: "fact", text, value: null });

/** The names of what was shown, as far as they fitted. */
function shownLines({ shown, whole }: FoundUse): readonly Line[] {
  const names = [...new Set(shown.flatMap(([, each]) => each))];
  const lines = names.map((name): Line => ({ kind: "shown", text: same(safe(name)), value: null }));
  return whole ? lines : [...lines, fact(CUT)];
}

function checkpointOf({ checkpoint, log }: Reading): Checkpoint | null {
  try {
    return open(checkpoint, ofLog(parseVerifier(log))).checkpoint;
  } catch (error) {
    if (error instanceof LedgerError) return null;
    throw error;
  }
}

/** Whether an entry stands in the tree that the log signed, with this note beside it. */
function standingOf({ index, entry, holderNote, copyOf }: Found, { checkpoint, tree }: Verified): ReceiptState {
  if (checkpoint === null || !sameOctets(noteHash(holderNote), entry.subarray(-HASH_OCTETS))) return "wrong";
  if (copyOf !== null) return "found"; // it was read in that tree, and has no proof of its own
  try {
    verifyInclusion(leafHash(entry), BigInt(index), checkpoint.size, tree.proof(index), checkpoint.root);
    return "found";
  } catch (error) {
    if (error instanceof LedgerError || error instanceof RangeError) return "wrong";
    throw error;
  }
}
