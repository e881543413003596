// Who asks, and why: by which policy, on which ground, how long it keeps what it sees, and what this vault knows of it
// (prover/asker.py, prover/consent.py).

import type { LocalizedText } from "../../../../prover/src/disclosure/attributes.js";
import type { RegisteredPolicy } from "../../../../prover/src/disclosure/policy.js";
import type { AskerView, Text } from "../model.js";
import { joined, momentText, plain, say } from "./saying.js";
import { CONSENT } from "./texts.js";

/** A verifier in this vault: answers that it got, how often the person said no, how often it asked for too much. */
export interface TrackRecord {
  readonly answers: number;
  /** When the last one was, seconds; null before the first. */
  readonly last: number | null;
  readonly declined: number;
  readonly overAsked: number;
}

/** What a person is told of whoever asks, beside what is asked. */
export interface Asker {
  readonly policy: RegisteredPolicy;
  readonly record: TrackRecord;
}

/** What requests of both forms, and terms of a standing consent, have of whoever asks. */
export interface Asking {
  readonly verifier: string;
  readonly purpose: LocalizedText;
  /** Until when it can be answered, seconds. */
  readonly expires: number;
}

export interface Counts {
  readonly shown: number;
  readonly proven: number;
}

const BETWEEN: Text = { zh: "；", en: "; " };

/**
 * The lines on whoever asks, in Python's order. Of a use of the past, and of an issuance, nothing is told of policy and
 * record.
 */
export function askingTexts(
  { verifier: name, purpose, expires }: Asking, called: LocalizedText, asker: Asker | null, counts: Counts,
): readonly Text[] {
  const verifier = plain(called);
  const who = say(CONSENT.who, { verifier, name });
  const why = say(CONSENT.purpose, { purpose: plain(purpose) });
  const ends = say(CONSENT.ends, { time: momentText(expires) });
  if (asker === null) return [who, why, ends];
  const { policy, record } = asker;
  return [
    who,
    say(CONSENT.named, { name }),
    why,
    say(CONSENT.basis, { basis: plain(policy.legalBasis) }),
    say(CONSENT.policy, { policy: policy.name.text }),
    countsText(counts),
    retentionText(policy),
    ...receiptTexts(policy),
    ...recordTexts(record, verifier),
    ends,
  ];
}

/** How many attributes are shown, and how many are only proven about. */
export function countsText({ shown, proven }: Counts): Text {
  return say(CONSENT.counts, { shown, proven });
}

function retentionText({ retentionDays: days }: RegisteredPolicy): Text {
  return days > 0 ? say(CONSENT.keeps, { days }) : say(CONSENT.keeps_nothing);
}

/** In which state the verifier demands receipts, where its policy says so. */
function receiptTexts({ receipt }: RegisteredPolicy): readonly Text[] {
  return receipt === null ? [] : [say(CONSENT[`receipt_${receipt}`])];
}

function recordTexts({ answers, last, declined, overAsked }: TrackRecord, verifier: Text): readonly Text[] {
  if (answers + declined + overAsked === 0) return [say(CONSENT.first_time, { verifier })];
  return [
    say(CONSENT.record, { verifier, answers, declined }),
    ...(last === null ? [] : [say(CONSENT.last_time, { time: momentText(last) })]),
    ...(overAsked === 0 ? [] : [say(CONSENT.over_asked, { verifier, times: overAsked })]),
  ];
}

/** Who asks, for the screens. A department that issues has no policy here, and no record. */
export function askerOf(asking: Asking, called: LocalizedText, asker: Asker | null): AskerView {
  const { verifier, purpose } = asking;
  const facts = asker === null ? [] : [
    say(CONSENT.named, { name: verifier }), say(CONSENT.policy, { policy: asker.policy.name.text }),
    ...receiptTexts(asker.policy),
  ];
  const before = asker === null ? [] : recordTexts(asker.record, plain(called));
  return {
    verifier,
    name: say(CONSENT.item, { attribute: plain(called) }),
    purpose: say(CONSENT.item, { attribute: plain(purpose) }),
    legalBasis: asker === null ? null : say(CONSENT.item, { attribute: plain(asker.policy.legalBasis) }),
    retention: asker === null ? null : retentionText(asker.policy),
    before: joined(before, BETWEEN),
    facts,
  };
}
