// Credentials of the composite form as a holder keeps them (disclosure/composite/credential.py). What is secret stands
// in private fields: it is in no error, no text and no JSON.

import { BbsError, InputError } from "../bbs/errors.js";
import { calculateB, calculateDomain, coreVerify } from "../bbs/signature.js";
import { fromInteger, toInteger } from "../bbs/octets.js";
import { octetsToSignature } from "../bbs/serialization.js";
import { resolve } from "../bbs/suite.js";
import { R, randomScalars, type Suite } from "../engine/suite.js";
import { Day, type Values } from "../disclosure/attributes.js";
import { decode, encode, MAX_OCTETS } from "../disclosure/canonical.js";
import { MalformedError, RefusedError } from "../disclosure/errors.js";
import type { IssuerKey } from "../disclosure/key.js";
import { IssuerKeyName, SchemaName } from "../disclosure/names.js";
import { list, octets as octetsOf, small, text } from "../disclosure/reading.js";
import type { Schema } from "../disclosure/schema.js";
import type { HeldCredential } from "../gadgets/credential.js";
import * as scalars from "./scalars.js";

const SCALAR_OCTETS = 32;
const SIGNATURE_OCTETS = 80;
const LABEL = "zk-disclosure/composite-credential/v1";

/** A holder's secret k, one in all of the holder's credentials. MalformedError MALFORMED unless it is in [1, r). */
export class HolderSecret {
  readonly #scalar: bigint;

  constructor(scalar: bigint) {
    this.#scalar = checkScalar(scalar, "the holder's secret");
  }

  /** Draw one from the system's generator. */
  static generate(): HolderSecret {
    return new HolderSecret(randomScalars(1)[0] as bigint);
  }

  get scalar(): bigint {
    return this.#scalar;
  }

  /** Its 32 secret octets, for the vault's own encrypted store. */
  toOctetsSecret(): Uint8Array {
    return fromInteger(this.#scalar, SCALAR_OCTETS);
  }

  /** Decode what `toOctetsSecret` gives; MalformedError MALFORMED. */
  static fromOctets(octets: Uint8Array): HolderSecret {
    if (octets.length !== SCALAR_OCTETS) {
      throw new MalformedError("MALFORMED", `a holder's secret has ${SCALAR_OCTETS} octets`);
    }
    return new HolderSecret(toInteger(octets));
  }
}

/** A scalar in [1, r); MalformedError MALFORMED, which does not show the value. */
export function checkScalar(value: bigint, what: string, field = ""): bigint {
  if (value <= 0n || value >= R) throw new MalformedError("MALFORMED", `${what} is no scalar`, field);
  return value;
}

interface Fields {
  readonly schema: SchemaName;
  readonly issuerKey: IssuerKeyName;
  readonly expiry: Day;
  readonly values: Values;
  readonly handle: bigint;
  readonly blind: bigint;
  readonly signature: Uint8Array;
}

/** What a department says about somebody, signed without seeing the holder's secret. MalformedError MALFORMED. */
export class CompositeCredential {
  readonly schema: SchemaName;
  readonly issuerKey: IssuerKeyName;
  readonly expiry: Day;
  readonly #fields: Fields;

  constructor(fields: Fields) {
    this.schema = fields.schema;
    this.issuerKey = fields.issuerKey;
    this.expiry = fields.expiry;
    this.#fields = fields;
    if (this.schema.department !== this.issuerKey.department) {
      throw new MalformedError("MALFORMED", "a department signs under its own schemas only", "issuer_key");
    }
    checkScalar(fields.handle, "the handle", "handle");
    checkScalar(fields.blind, "the blind", "blind");
    if (fields.signature.length !== SIGNATURE_OCTETS) {
      throw new MalformedError("MALFORMED", `a signature has ${SIGNATURE_OCTETS} octets`, "signature");
    }
  }

  get values(): Values {
    return this.#fields.values;
  }

  get handle(): bigint {
    return this.#fields.handle;
  }

  get blind(): bigint {
    return this.#fields.blind;
  }

  get signature(): Uint8Array {
    return this.#fields.signature;
  }

  /** Its canonical bytes, for storage under encryption; MalformedError (values). */
  toBytes(schema: Schema): Uint8Array {
    const { handle, blind, signature, values } = this.#fields;
    return checkSize(encode(
      LABEL, this.schema.text, this.issuerKey.text, this.expiry.number, schema.valueItems(values),
      fromInteger(handle, SCALAR_OCTETS), fromInteger(blind, SCALAR_OCTETS), signature,
    ));
  }

  /** Decode what `toBytes` gives, under the same schema; MalformedError. */
  static fromBytes(octets: Uint8Array, schema: Schema): CompositeCredential {
    const refuse = () => new MalformedError("MALFORMED", "the octets are no credential of this schema and form");
    const [name, key, expiry, pairs, handle, blind, signature] = list(decode(LABEL, octets), refuse, 7);
    const credential = new CompositeCredential({
      schema: SchemaName.parse(text(name, refuse)),
      issuerKey: IssuerKeyName.parse(text(key, refuse)),
      expiry: new Day(small(expiry, refuse)),
      values: schema.valuesOf(list(pairs, refuse)),
      handle: toInteger(octetsOf(handle, refuse)),
      blind: toInteger(octetsOf(blind, refuse)),
      signature: octetsOf(signature, refuse),
    });
    if (credential.schema.text !== schema.name.text) throw refuse();
    const same = credential.toBytes(schema);
    if (same.length !== octets.length || !same.every((each, at) => each === octets[at])) throw refuse();
    return credential;
  }
}

/** Octets that can be decoded again; MalformedError VALUE_INVALID if they are too many. */
export function checkSize(octets: Uint8Array): Uint8Array {
  if (octets.length > MAX_OCTETS) {
    throw new MalformedError("VALUE_INVALID", "all values together are too large", "values");
  }
  return octets;
}

/** Throw RefusedError FORM_NOT_SUPPORTED unless the schema's credentials have the composite form. */
export function requireComposite(schema: Schema, field = "schema"): void {
  if (schema.form !== "composite") {
    const detail = `${schema.name.text} has the plain form, whose credentials prove nothing but what they show`;
    throw new RefusedError("FORM_NOT_SUPPORTED", detail, field);
  }
}

/**
 * Return a credential whose values fit and whose signature holds for this holder. MalformedError (values), RefusedError
 * SCHEMA_UNKNOWN, ISSUER_KEY_UNKNOWN, FORM_NOT_SUPPORTED, SIGNATURE_INVALID.
 */
export function checkCredential(
  credential: CompositeCredential, secret: HolderSecret, schema: Schema, key: IssuerKey,
): CompositeCredential {
  requireComposite(schema);
  if (credential.schema.text !== schema.name.text) {
    throw new RefusedError("SCHEMA_UNKNOWN", "the credential is of another schema");
  }
  if (credential.issuerKey.text !== key.name.text) {
    throw new RefusedError("ISSUER_KEY_UNKNOWN", "the credential is signed by another key");
  }
  const suite = resolve(key.suite);
  const signed = messageScalars(credential, secret, schema, suite);
  const generators = scalars.schemaGenerators(schema, suite);
  try {
    coreVerify(key.publicKey, credential.signature, generators, schema.header, signed, scalars.apiId(suite));
  } catch (error) {
    if (!(error instanceof BbsError)) throw error;
    throw new RefusedError("SIGNATURE_INVALID", "the issuer's signature does not hold");
  }
  return credential;
}

/** What all proofs of a checked credential have in common, for a vault to keep in memory; MalformedError. */
export function prepareCredential(
  credential: CompositeCredential, secret: HolderSecret, schema: Schema, key: IssuerKey,
): HeldCredential {
  const suite = resolve(key.suite);
  const messages = messageScalars(credential, secret, schema, suite);
  const generators = scalars.schemaGenerators(schema, suite);
  const domain = domainOf(schema, key);
  try {
    const { A, e } = octetsToSignature(credential.signature);
    return new Prepared({ generators, messages, domain, A, e, B: calculateB(generators, domain, messages) });
  } catch (error) {
    if (!(error instanceof BbsError) || error instanceof InputError) throw error;
    throw new MalformedError("MALFORMED", "the signature is none", "signature");
  }
}

/** The domain that every credential of a schema and key is signed under. */
export function domainOf(schema: Schema, key: IssuerKey): bigint {
  const suite = resolve(key.suite);
  return calculateDomain(key.publicKey, scalars.schemaGenerators(schema, suite), schema.header, scalars.apiId(suite));
}

/** A prepared credential, which shows nothing of itself. */
class Prepared implements HeldCredential {
  readonly #held: HeldCredential;

  constructor(held: HeldCredential) {
    this.#held = held;
  }

  get generators() { return this.#held.generators; }
  get A() { return this.#held.A; }
  get e() { return this.#held.e; }
  get messages() { return this.#held.messages; }
  get domain() { return this.#held.domain; }
  get B() { return this.#held.B; }
}

function messageScalars(
  credential: CompositeCredential, secret: HolderSecret, schema: Schema, suite: Suite,
): readonly bigint[] {
  return [
    secret.scalar, credential.handle, scalars.dayScalar(credential.expiry.number),
    ...scalars.attributeScalars(schema, credential.values, suite), credential.blind,
  ];
}
