/** Credentials of the plain form, as their holder receives, checks and keeps them (disclosure/credential.py). */

import { BbsError } from "../bbs/errors.js";
import { Hidden } from "../bbs/hidden.js";
import { verify } from "../bbs/signature.js";
import { resolve } from "../bbs/suite.js";
import { Day, type Values } from "../disclosure/attributes.js";
import { MAX_OCTETS, decode, encode } from "../disclosure/canonical.js";
import { MalformedError, RefusedError } from "../disclosure/errors.js";
import type { IssuerKey } from "../disclosure/key.js";
import { IssuerKeyName, SchemaName } from "../disclosure/names.js";
import { list, octets as octetsOf, small, text } from "../disclosure/reading.js";
import type { Schema } from "../disclosure/schema.js";
import { messagesOf } from "./messages.js";

const LABEL = "zk-disclosure/plain-credential/v1";
const SIGNATURE_OCTETS = 80;

/** What a department says about somebody, signed. The values and the signature are the holder's secret. */
export class PlainCredential extends Hidden {
  readonly #values: Values;
  readonly #signature: Uint8Array;

  private constructor(
    readonly schema: SchemaName,
    readonly issuerKey: IssuerKeyName,
    readonly expiry: Day,
    values: Values,
    signature: Uint8Array,
  ) {
    super();
    if (schema.department !== issuerKey.department) {
      throw new MalformedError("MALFORMED", "a department signs under its own schemas only", "issuer_key");
    }
    if (signature.length !== SIGNATURE_OCTETS) {
      throw new MalformedError("MALFORMED", `a signature has ${SIGNATURE_OCTETS} octets`, "signature");
    }
    this.#values = values;
    this.#signature = signature;
  }

  get values(): Values {
    return this.#values;
  }

  get signature(): Uint8Array {
    return this.#signature;
  }

  /** Decode canonical bytes under the schema that they name; MalformedError. */
  static fromBytes(octets: Uint8Array, schema: Schema): PlainCredential {
    const refuse = () => new MalformedError("MALFORMED", "the octets are no credential");
    const [name, key, expiry, pairs, signature] = list(decode(LABEL, octets), refuse, 5);
    const parsed = new PlainCredential(
      SchemaName.parse(text(name, refuse)),
      IssuerKeyName.parse(text(key, refuse)),
      new Day(small(expiry, refuse)),
      schema.valuesOf(list(pairs, refuse)),
      octetsOf(signature, refuse),
    );
    const again = parsed.toBytes(schema);
    // Decoding took the canonical encoding only, so what is left to differ is the order of the values.
    if (parsed.schema.text !== schema.name.text || !again.every((octet, at) => octet === octets[at])) {
      throw new MalformedError("MALFORMED", "the credential is of another schema");
    }
    return parsed;
  }

  /** Return its canonical bytes, for storage under encryption; MalformedError (values). */
  toBytes(schema: Schema): Uint8Array {
    const octets = encode(
      LABEL,
      this.schema.text,
      this.issuerKey.text,
      this.expiry.number,
      schema.valueItems(this.#values),
      this.#signature,
    );
    if (octets.length > MAX_OCTETS) {
      throw new MalformedError("VALUE_INVALID", "all values together are too large", "values");
    }
    return octets;
  }
}

/** Raise RefusedError FORM_NOT_SUPPORTED unless the schema's credentials have the plain form. */
export function requirePlain(schema: Schema, field = ""): void {
  if (schema.form !== "plain") {
    throw new RefusedError("FORM_NOT_SUPPORTED", "the schema's credentials have the composite form", field);
  }
}

/**
 * Return a credential whose values fit and whose signature holds: what a holder does before it keeps one.
 *
 * Raises MalformedError (values), RefusedError SIGNATURE_INVALID, SCHEMA_UNKNOWN, ISSUER_KEY_UNKNOWN,
 * FORM_NOT_SUPPORTED.
 */
export function checkCredential(credential: PlainCredential, schema: Schema, key: IssuerKey): PlainCredential {
  requirePlain(schema);
  if (credential.schema.text !== schema.name.text) {
    throw new RefusedError("SCHEMA_UNKNOWN", "the credential is of another schema");
  }
  if (credential.issuerKey.text !== key.name.text) {
    throw new RefusedError("ISSUER_KEY_UNKNOWN", "the credential is signed by another key");
  }
  const messages = messagesOf(schema, credential.expiry, credential.values);
  try {
    verify(key.publicKey, credential.signature, schema.header, messages, resolve(key.suite));
  } catch (error) {
    if (!(error instanceof BbsError)) throw error;
    throw new RefusedError("SIGNATURE_INVALID", "the issuer's signature does not hold");
  }
  return credential;
}
