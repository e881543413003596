// What a holder declares to one counter, in words: sealed to it, and bound to what is proven to it (disclosure/errand/form.py).
//
// The service carries it and does not read it. The first 16 octets of the presentation's usage tag, which every proof in it
// covers, are a digest of the form with a salt of 256 bits: a form that another has put in its place is refused by the counter.

import { Day } from "../../../../prover/src/disclosure/attributes.js";
import { digest, encode, type Item } from "../../../../prover/src/disclosure/canonical.js";
import { MalformedError } from "../../../../prover/src/disclosure/errors.js";
import { joined, toBigEndian } from "../../ledger/encoding.js";
import type { PartAsk } from "./asking.js";
import { dayWritten, type FormValue, type FormValues } from "./bundle.js";
import { sealTo } from "./hpke.js";

/** Sealed forms have a multiple of this and a little more, so that the length tells little. */
const SEALED_BLOCK = 1024;
const MAX_SEALED_OCTETS = 48 << 10;
const TAG_NONCE_OCTETS = 16;
const SALT_OCTETS = 32;
const LENGTH_OCTETS = 4;
const LABEL = "zk-disclosure/errand-form/v1";
const SEAL_LABEL = "zk-disclosure/errand-form-seal/v1";

/** The values of a form by their fields' identifiers, with a salt. Does not show itself. */
export class Form {
  /** Its canonical octets, salt included. */
  readonly #octets: Uint8Array;

  constructor(values: FormValues, salt: Uint8Array = crypto.getRandomValues(new Uint8Array(SALT_OCTETS))) {
    if (salt.length !== SALT_OCTETS) throw new MalformedError("MALFORMED", `a salt has ${SALT_OCTETS} octets`, "form");
    const names = [...values.keys()].sort();
    this.#octets = encode(LABEL, salt, names.map((name): Item => [name, itemOf(values.get(name) as FormValue)]));
  }

  octetsSecret(): Uint8Array {
    return this.#octets.slice();
  }

  /** What the usage tag of the form's presentation begins with: 16 octets. */
  get tagNonce(): Uint8Array {
    return digest(LABEL, this.#octets).subarray(0, TAG_NONCE_OCTETS);
  }

  /** Seal it to the key in an ask whose signature was checked; MalformedError MALFORMED (the key, or it is too long). */
  async seal({ formKey, signedBytes }: PartAsk): Promise<Uint8Array> {
    const framed = joined(toBigEndian(BigInt(this.#octets.length), LENGTH_OCTETS), this.#octets);
    const padded = new Uint8Array(Math.ceil(framed.length / SEALED_BLOCK) * SEALED_BLOCK);
    padded.set(framed);
    let sealed: Uint8Array;
    try {
      sealed = await sealTo(formKey, encode(SEAL_LABEL, signedBytes), padded);
    } catch {
      throw new MalformedError("MALFORMED", "the form key is none", "form_key");
    }
    if (sealed.length > MAX_SEALED_OCTETS) {
      throw new MalformedError("MALFORMED", "the octets are no sealed form", "sealed_form");
    }
    return sealed;
  }
}

function itemOf(value: FormValue): Item {
  if (value instanceof Day) return ["date", dayWritten(value)];
  return typeof value === "string" ? ["text", value] : ["number", value];
}
