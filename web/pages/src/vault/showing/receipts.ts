// What a receipt says, and that it is for this very use or event (prover/history.py). Nobody is asked for it. What it
// rests on is the log's key; with a policy of witnesses it tells whether they have cosigned too.

import { equal } from "../../../../prover/src/bbs/octets.js";
import { verifierName } from "../../../../prover/src/disclosure/names.js";
import { decode } from "../../../../prover/src/disclosure/canonical.js";
import { MalformedError } from "../../../../prover/src/disclosure/errors.js";
import { list, octets, small, text } from "../../../../prover/src/disclosure/reading.js";
import type { Verifier } from "../../ledger/keys.js";
import { ofLog } from "../../ledger/policy.js";
import { type CheckedReceipt, checkReceipt } from "../../ledger/receipt.js";
import { VaultError } from "../fault.js";
import type { UseKeys } from "../store/uses.js";
import type { Event } from "./events.js";
import { DIGEST_OCTETS, NOTE_OCTETS, noteHash } from "./notes.js";
import type { Usage } from "./usages.js";

const BODY = "zk-disclosure/receipt-body/v1";
const EVENT_BODY = "zk-disclosure/event-body/v1";
const MAX_MILLISECONDS = 2 ** 47;

/**
 * Check a receipt for a use, in whatever state that is: the log's signed checkpoint covers the entry; the entry commits to
 * this verifier, this request and this presentation, verified while the request lived; the note beside it is the one that
 * the vault sealed; the usage tag is the vault's. LedgerError as `checkReceipt`; MalformedError; RefusedError
 * REQUEST_EXPIRED, REQUEST_NOT_YET_VALID; VaultError RECEIPT_MISMATCH.
 */
export async function checkUsageReceipt(
  usage: Usage, receipt: Uint8Array, log: Verifier, uses: UseKeys,
): Promise<CheckedReceipt> {
  const checked = checkReceipt(receipt, ofLog(log));
  const { request, presented } = usage;
  const [verifier, requestDigest, presentationDigest, verified] = list(decode(BODY, checked.opening.body), noBody, 4);
  const moment = timeOf(small(verified, noBody));
  const whole = verifierName(text(verifier, noBody)) === request.verifier &&
    equal(digestOf(octets(requestDigest, noBody)), request.digest) &&
    equal(digestOf(octets(presentationDigest, noBody)), presented.digest);
  if (!whole) throw mismatch("the receipt is for another presentation");
  request.checkTime(moment / 1000);
  if (!equal(presented.requestDigest, request.digest)) throw mismatch("the presentation answers another request");
  const note = hashOf(usage.holderNote);
  if (!equal(note, presented.noteHash) || !equal(note, checked.opening.noteHash)) {
    throw mismatch("the receipt is for another holder's note");
  }
  if (!(await uses.recognises(presented.usageTag))) throw mismatch("the usage tag is not this vault's");
  return checked;
}

/** Check a receipt for an event, in whatever state that is: kind, party and matter, and the note. Errors as for a use. */
export function checkEventReceipt(event: Event, receipt: Uint8Array, log: Verifier): CheckedReceipt {
  const checked = checkReceipt(receipt, ofLog(log));
  const [kind, party, digest, time] = list(decode(EVENT_BODY, checked.opening.body), noBody, 4);
  timeOf(small(time, noBody));
  const { note } = event;
  const same = text(kind, noBody) === note.kind && text(party, noBody) === note.party &&
    equal(digestOf(octets(digest, noBody)), note.digest);
  if (!same) throw mismatch("the receipt is for something else");
  if (!equal(hashOf(event.holderNote), checked.opening.noteHash)) {
    throw mismatch("the receipt is for another holder's note");
  }
  return checked;
}

function hashOf(note: Uint8Array): Uint8Array {
  if (note.length !== NOTE_OCTETS) throw mismatch("a holder's note has another length");
  return noteHash(note);
}

function timeOf(milliseconds: number): number {
  if (milliseconds < 0 || milliseconds >= MAX_MILLISECONDS) throw noBody();
  return milliseconds;
}

function digestOf(digest: Uint8Array): Uint8Array {
  if (digest.length !== DIGEST_OCTETS) throw noBody();
  return digest;
}

const noBody = (): MalformedError => new MalformedError("MALFORMED", "the octets are no receipt's body");
const mismatch = (detail: string): VaultError => new VaultError("RECEIPT_MISMATCH", detail);
