// What one commitment of an issuance is good for (disclosure/composite/issuance.py).

import { decode } from "../disclosure/canonical.js";
import { MalformedError } from "../disclosure/errors.js";
import { IssuerKeyName, SchemaName } from "../disclosure/names.js";
import { flag, list, octets, text } from "../disclosure/reading.js";

const LABEL = "zk-disclosure/issuance-terms/v1";
const NONCE_OCTETS = 32;

/** One schema, one key, one nonce of the issuer's; `base` asks for the issuance pseudonym. */
export class IssuanceTerms {
  private constructor(
    readonly schema: SchemaName, readonly issuerKey: IssuerKeyName, readonly base: boolean, readonly canonical: Uint8Array,
  ) {}

  /** Decode canonical bytes; MalformedError MALFORMED, NAME_INVALID. */
  static fromBytes(canonical: Uint8Array): IssuanceTerms {
    const refuse = () => new MalformedError("MALFORMED", "the octets are no issuance terms");
    const [schema, key, base, nonce] = list(decode(LABEL, canonical), refuse, 4);
    const [name, issuerKey] = [SchemaName.parse(text(schema, refuse)), IssuerKeyName.parse(text(key, refuse))];
    if (name.department !== issuerKey.department) {
      throw new MalformedError("MALFORMED", "a department signs under its own schemas only", "issuer_key");
    }
    if (octets(nonce, refuse).length !== NONCE_OCTETS) {
      throw new MalformedError("MALFORMED", `a nonce has ${NONCE_OCTETS} octets`, "nonce");
    }
    return new IssuanceTerms(name, issuerKey, flag(base, refuse), canonical.slice());
  }
}
