// A counter's ask: its signed request, tied to one part of one errand (disclosure/errand/asking.py). Without the tie a service
// could hand a counter's request of one errand to the holder of another, or take a key of its own for the counter's form key.

import { digest, encode } from "../../../../prover/src/disclosure/canonical.js";
import { MalformedError, RefusedError } from "../../../../prover/src/disclosure/errors.js";
import { DIGEST_OCTETS, ed25519Holds } from "../../../../prover/src/disclosure/request_frame.js";
import { joined, utf8 } from "../../ledger/encoding.js";
import type { BundleName } from "./bundle.js";

export const FORM_KEY_OCTETS = 32;
const LABEL = "zk-disclosure/errand-ask/v1";
const SIGNING_PREFIX = utf8("zk-disclosure/errand-ask-signature/v1\x00");
const SUBMISSION_LABEL = "zk-disclosure/errand-submission/v1";
const ABANDONED_LABEL = "zk-disclosure/errand-abandoned/v1";
const PART = /^errandParts\/([A-Za-z0-9_-]{22})$/;

/** `errandParts/{part}`: 128 random bits for each counter of each errand, so that no two counters can match what they have. */
export class PartName {
  private constructor(readonly text: string, readonly id: string) {}

  /** MalformedError NAME_INVALID. */
  static parse(written: string, field = ""): PartName {
    const id = PART.exec(written)?.[1];
    if (id === undefined) throw new MalformedError("NAME_INVALID", "a part is named errandParts/...", field);
    return new PartName(written, id);
  }
}

/** What a counter signs besides its request, with the same key. */
export class PartAsk {
  /** What is signed: domain-separated canonical octets. */
  readonly signedBytes: Uint8Array;

  /**
   * `counter` is the part's identifier in the bundle; `formKey` is the X25519 key that a form is sealed to, empty where the
   * counter wants none. MalformedError VALUE_INVALID.
   */
  constructor(
    readonly part: PartName, bundle: BundleName, counter: string, requestDigest: Uint8Array, readonly formKey: Uint8Array,
  ) {
    if (requestDigest.length !== DIGEST_OCTETS) {
      throw new MalformedError("VALUE_INVALID", `a digest has ${DIGEST_OCTETS} octets`);
    }
    if (formKey.length !== 0 && formKey.length !== FORM_KEY_OCTETS) {
      throw new MalformedError("VALUE_INVALID", `a form key has ${FORM_KEY_OCTETS} octets`, "form_key");
    }
    this.signedBytes = joined(SIGNING_PREFIX, encode(LABEL, part.id, bundle.text, counter, requestDigest, formKey));
  }

  /** Throw RefusedError REQUEST_SIGNATURE_INVALID unless the counter's registered key made this. */
  check(signature: Uint8Array, publicKey: Uint8Array): void {
    if (ed25519Holds(publicKey, signature, this.signedBytes)) return;
    const detail = "the ask is not signed by the counter's registered key";
    throw new RefusedError("REQUEST_SIGNATURE_INVALID", detail, "ask_signature");
  }
}

/** A part as it is submitted: its name, its presentation's digest, and its sealed form. */
export interface SubmittedPart {
  readonly part: PartName;
  readonly presentation: Uint8Array;
  readonly sealedForm: Uint8Array;
}

/** What the event of a submission is about, by its parts in the order in which they are submitted. */
export function submissionDigest(parts: readonly SubmittedPart[]): Uint8Array {
  const items = parts.map(({ part, presentation, sealedForm }) =>
    [part.text, presentation, digest(SUBMISSION_LABEL, sealedForm)]);
  return digest(SUBMISSION_LABEL, encode(SUBMISSION_LABEL, ...items));
}

/** What the event of an errand's end is about, by the errand's name. */
export const abandonmentDigest = (errand: string): Uint8Array => digest(ABANDONED_LABEL, utf8(errand));
