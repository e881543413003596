/** Requests of the plain form, as their holder reads them (disclosure/request.py). Times are whole seconds. */

import { LocalizedText } from "../disclosure/attributes.js";
import { MAX_OCTETS, decode, digest } from "../disclosure/canonical.js";
import { MalformedError } from "../disclosure/errors.js";
import { PolicyName, SchemaName, checkAttributeId, verifierName } from "../disclosure/names.js";
import { list, octets as octetsOf, orNull, small, text, texts } from "../disclosure/reading.js";
import type { Decoded } from "../disclosure/canonical.js";
import {
  MAX_QUERIES,
  SIGNATURE_OCTETS,
  checkFrame,
  checkLife,
  checkPolicyOwner,
  checkSigned,
  type FindKey,
  type SignedRequest,
} from "../disclosure/request_frame.js";

export const LABEL = "zk-disclosure/request/v1";
const REVOCATION_WAIVED = "revocation-waived";

const invalid = (detail: string, field = "") => new MalformedError("REQUEST_INVALID", detail, field);

/** One credential that is asked for: its schema, the attributes to be shown, and whether its last day is. */
export interface PlainQuery {
  readonly id: string;
  readonly schema: SchemaName;
  readonly shown: readonly string[];
  readonly expiry: "shown" | "waived";
}

/** A verifier's question, decoded; what it was decoded from is what a presentation is bound to. */
export class PlainRequest {
  /** SHA-256 over the canonical bytes, domain-separated. */
  readonly digest: Uint8Array;

  private constructor(
    readonly canonical: Uint8Array,
    readonly verifier: string,
    readonly policy: PolicyName | null,
    readonly purpose: LocalizedText,
    readonly created: number,
    readonly expires: number,
    nonce: Uint8Array,
    readonly queries: readonly PlainQuery[],
  ) {
    checkPolicyOwner(policy, verifier);
    if (queries.length === 0 || queries.length > MAX_QUERIES) {
      throw invalid(`a request has 1 to ${MAX_QUERIES} queries`, "queries");
    }
    if (new Set(queries.map((each) => each.id)).size !== queries.length) {
      throw invalid("two queries have one identifier", "queries");
    }
    checkFrame(created, expires, nonce);
    this.digest = digest(LABEL, canonical);
  }

  /** Decode canonical bytes; MalformedError MALFORMED, REQUEST_INVALID, NAME_INVALID, VALUE_INVALID. */
  static fromBytes(octets: Uint8Array): PlainRequest {
    const refuse = () => invalid("the octets are no request");
    const [name, policy, purpose, created, expires, nonce, queries] = list(decode(LABEL, octets, MAX_OCTETS), refuse, 7);
    const named = orNull(policy, refuse, text);
    return new PlainRequest(
      octets.slice(),
      verifierName(text(name, refuse)),
      named === null ? null : PolicyName.parse(named, "policy"),
      LocalizedText.of(purpose, refuse),
      small(created, refuse),
      small(expires, refuse),
      octetsOf(nonce, refuse),
      list(queries, refuse).map(queryOf),
    );
  }

  /** Raise RefusedError REQUEST_EXPIRED or REQUEST_NOT_YET_VALID unless `now` is within its life. */
  checkTime(now: number): void {
    checkLife(this.created, this.expires, now);
  }
}

function queryOf(item: Decoded): PlainQuery {
  const refuse = () => invalid("the octets hold no query", "queries");
  const [id, schema, shown, expiry, revocation] = list(item, refuse, 5);
  if ((expiry !== "shown" && expiry !== "waived") || revocation !== REVOCATION_WAIVED) throw refuse();
  const attributes = texts(shown, refuse);
  for (const attribute of attributes) checkAttributeId(attribute, "shown");
  if (new Set(attributes).size !== attributes.length) throw invalid("an attribute is asked for twice", "shown");
  return {
    id: checkAttributeId(text(id, refuse), "id"),
    schema: SchemaName.parse(text(schema, refuse)),
    shown: attributes,
    expiry,
  };
}

/**
 * Return the request whose signature holds under its verifier's registered key, which `findKey` gives.
 *
 * Raises MalformedError (payload), RefusedError REQUEST_SIGNATURE_INVALID, and what `findKey` raises.
 */
export function openPlainRequest(signed: SignedRequest, findKey: FindKey): PlainRequest {
  if (signed.signature.length !== SIGNATURE_OCTETS) {
    throw invalid(`a signature has ${SIGNATURE_OCTETS} octets`, "signature");
  }
  const request = PlainRequest.fromBytes(signed.payload);
  checkSigned(signed, request.verifier, findKey);
  return request;
}
