// A presentation of either form as it is read again from its canonical octets, and as it goes out
// (disclosure/presentation.py, disclosure/composite/presentation.py, wire/convert.py, wire/composite.py).

import type { MessageInitShape } from "@bufbuild/protobuf";

import { type AttributeDefinition, Day, fromItem, type Value } from "../../../../prover/src/disclosure/attributes.js";
import { type Decoded, decode, digest } from "../../../../prover/src/disclosure/canonical.js";
import { MalformedError } from "../../../../prover/src/disclosure/errors.js";
import { IssuerKeyName, SchemaName } from "../../../../prover/src/disclosure/names.js";
import { flag, list, octets, orNull, small, text, whole } from "../../../../prover/src/disclosure/reading.js";
import type { Schema } from "../../../../prover/src/disclosure/schema.js";
import type { NamedValueSchema } from "../../../gen/zkproto/v1/attribute_pb.js";
import type {
  CompositePresentationSchema, PresentationSchema, SubmitPresentationRequestSchema,
} from "../../../gen/zkproto/v1/presentation_pb.js";

const PLAIN = "zk-disclosure/presentation/v1";
const COMPOSITE = "zk-disclosure/composite-presentation/v1";
const DAY_MS = 86_400_000;

export type Schemas = ReadonlyMap<string, Schema>;

/** What is shown of one credential. */
export interface ShownOf {
  readonly query: string;
  readonly schema: SchemaName;
  readonly issuerKey: IssuerKeyName;
  /** The last day, if it is shown. */
  readonly expiry: Day | null;
  /** undefined for an attribute that the credential leaves out. */
  readonly values: ReadonlyMap<string, Value | undefined>;
  /** The composite form's, unless revocation is waived. */
  readonly epoch: { readonly accumulator: Uint8Array; readonly number: bigint } | null;
  /** The plain form's. */
  readonly proof: Uint8Array | null;
}

export interface Presented {
  readonly form: "plain" | "composite";
  readonly requestDigest: Uint8Array;
  readonly usageTag: Uint8Array;
  readonly noteHash: Uint8Array;
  readonly credentials: readonly ShownOf[];
  /** The composite form's: which branch is answered, and the one proof. */
  readonly branch: string | null;
  readonly proof: Uint8Array | null;
  /** What its receipt commits to. */
  readonly digest: Uint8Array;
}

/** Decode a presentation of the form of its request, by the schemas of what it shows. MalformedError. */
export function presentedOf(canonical: Uint8Array, composite: boolean, schemas: Schemas): Presented {
  return composite ? compositeOf(canonical, schemas) : plainOf(canonical, schemas);
}

function compositeOf(canonical: Uint8Array, schemas: Schemas): Presented {
  const [requestDigest, branch, usageTag, noteHash, credentials, proof] = list(decode(COMPOSITE, canonical), none, 6);
  return {
    form: "composite",
    requestDigest: octets(requestDigest, none),
    usageTag: octets(usageTag, none),
    noteHash: octets(noteHash, none),
    credentials: list(credentials, none).map((each) => {
      const [shown, epoch] = list(each, none, 2);
      return { ...shownOf(shown, schemas), epoch: orNull(epoch, none, epochOf), proof: null };
    }),
    branch: text(branch, none),
    proof: octets(proof, none),
    digest: digest(COMPOSITE, canonical),
  };
}

function plainOf(canonical: Uint8Array, schemas: Schemas): Presented {
  const [requestDigest, usageTag, noteHash, credentials] = list(decode(PLAIN, canonical), none, 4);
  return {
    form: "plain",
    requestDigest: octets(requestDigest, none),
    usageTag: octets(usageTag, none),
    noteHash: octets(noteHash, none),
    credentials: list(credentials, none).map((each) => {
      const [shown, proof] = list(each, none, 2);
      return { ...shownOf(shown, schemas), epoch: null, proof: octets(proof, none) };
    }),
    branch: null,
    proof: null,
    digest: digest(PLAIN, canonical),
  };
}

function epochOf(item: Decoded | undefined) {
  const [accumulator, number] = list(item, none, 2);
  return { accumulator: octets(accumulator, none), number: whole(number, none) };
}

function shownOf(item: Decoded | undefined, schemas: Schemas): Omit<ShownOf, "epoch" | "proof"> {
  const [query, name, key, expiry, pairs] = list(item, none, 5);
  const schema = schemas.get(text(name, none));
  if (schema === undefined) throw none();
  const values = new Map<string, Value | undefined>();
  for (const pair of list(pairs, none)) {
    const [attribute, there, value] = list(pair, none, 3);
    const named = text(attribute, none);
    if (values.has(named) || flag(there, none) !== (value !== null)) throw none();
    values.set(named, value === null ? undefined : fromItem(schema.attribute(named), value as Decoded));
  }
  return {
    query: text(query, none),
    schema: schema.name,
    issuerKey: IssuerKeyName.parse(text(key, none)),
    expiry: expiry === null ? null : new Day(small(expiry, none)),
    values,
  };
}

type Submitted = NonNullable<MessageInitShape<typeof SubmitPresentationRequestSchema>["answer"]>;

/** The presentation as a message, in the form that its request selects. MalformedError. */
export function submitted(presented: Presented, schemas: Schemas): Submitted {
  if (presented.form === "composite") {
    return { case: "compositePresentation", value: compositeMessage(presented, schemas) };
  }
  return { case: "presentation", value: plainMessage(presented, schemas) };
}

/** A presentation of the composite form as a message. MalformedError. */
export function compositeMessage(
  presented: Presented, schemas: Schemas,
): MessageInitShape<typeof CompositePresentationSchema> {
  const { requestDigest, usageTag, noteHash, branch, proof } = presented;
  return {
    requestDigest,
    branch: branch as string,
    credentials: presented.credentials.map(({ epoch, proof: _, ...shown }) => ({
      ...shownMessage(shown, schemas),
      accumulator: epoch?.accumulator ?? new Uint8Array(),
      epoch: epoch?.number ?? 0n,
    })),
    usageTag,
    noteHash,
    proof: proof as Uint8Array,
  };
}

function plainMessage(presented: Presented, schemas: Schemas): MessageInitShape<typeof PresentationSchema> {
  const { requestDigest, usageTag, noteHash } = presented;
  const credentials = presented.credentials.map(({ epoch: _, proof, ...shown }) => ({
    ...shownMessage(shown, schemas),
    proof: proof as Uint8Array,
  }));
  return { credentials, usageTag, noteHash, requestDigest };
}

function shownMessage({ query, schema, issuerKey, expiry, values }: Omit<ShownOf, "epoch" | "proof">, schemas: Schemas) {
  const known = schemas.get(schema.text);
  if (known === undefined) throw none();
  return {
    query,
    schema: schema.text,
    issuerKey: issuerKey.text,
    ...(expiry === null ? {} : { expiry: dateMessage(expiry) }),
    // In the schema's order.
    values: known.attributes.filter(({ id }) => values.has(id)).map((each) => valueMessage(each, values.get(each.id))),
  };
}

export function valueMessage(
  { id, type }: AttributeDefinition, value: Value | undefined,
): MessageInitShape<typeof NamedValueSchema> {
  return { attribute: id, value: value === undefined ? {} : { value: typed(type, value) } };
}

function typed(type: AttributeDefinition["type"], value: Value) {
  if (value instanceof Day) return { case: "date" as const, value: dateMessage(value) };
  if (typeof value === "bigint") return { case: "integer" as const, value };
  if (typeof value === "boolean") return { case: "boolean" as const, value };
  if (typeof value === "string") return { case: type === "code" ? ("code" as const) : ("text" as const), value };
  if (type === "secret") throw none(); // never shown
  return { case: "hash" as const, value };
}

function dateMessage({ number }: Day) {
  const day = new Date(number * DAY_MS);
  return { year: day.getUTCFullYear(), month: day.getUTCMonth() + 1, day: day.getUTCDate() };
}

function none(): MalformedError {
  return new MalformedError("MALFORMED", "the octets are no presentation of its form");
}
