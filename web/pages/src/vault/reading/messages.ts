// What the service's messages say, as the prover's types (wire/convert.py, wire/composite.py, wire/revocation.py): every
// decoding is checked by the type's constructor. Nothing of it is believed yet: that takes its proof.
import { AccumulatorKey } from "../../../../prover/src/accumulator/list.js";
import { BbsError } from "../../../../prover/src/bbs/errors.js";
import { equal, hex } from "../../../../prover/src/bbs/octets.js";
import { resolve } from "../../../../prover/src/bbs/suite.js";
import {
  PublishedCodeList,
  PublishedDigits,
  RegulatorKey,
  readTable,
} from "../../../../prover/src/composite/directory.js";
import { LocalizedText } from "../../../../prover/src/disclosure/attributes.js";
import { type Item, MAX_OCTETS, encode } from "../../../../prover/src/disclosure/canonical.js";
import { MalformedError } from "../../../../prover/src/disclosure/errors.js";
import { IssuerKey, type KeyState, suiteName } from "../../../../prover/src/disclosure/key.js";
import { IssuerKeyName, checkId } from "../../../../prover/src/disclosure/names.js";
import { Schema } from "../../../../prover/src/disclosure/schema.js";
import type { PublicShare } from "../../../../prover/src/gadgets/escrow.js";
import type { LocalizedText as TextMessage } from "../../../gen/zkproto/v1/attribute_pb.js";
import { AttributeType } from "../../../gen/zkproto/v1/attribute_pb.js";
import type {
  AttributeDefinition as AttributeMessage,
  IssuerKey as IssuerKeyMessage,
  Schema as SchemaMessage,
} from "../../../gen/zkproto/v1/catalog_pb.js";
import { CredentialForm, IssuerKey_State } from "../../../gen/zkproto/v1/catalog_pb.js";
import type { Regulator as RegulatorMessage, Table as TableMessage } from "../../../gen/zkproto/v1/publication_pb.js";
import type { Accumulator as AccumulatorMessage } from "../../../gen/zkproto/v1/revocation_pb.js";
import type { List } from "../parts.js";
import { accumulatorName } from "./entries.js";

const SCHEMA = "zk-disclosure/schema/v1";
const REGULATOR = /^regulators\/([^/]*)$/;
const TABLE = /^tables\/[0-9a-f]{64}$/;
const TYPES: ReadonlyMap<AttributeType, string> = new Map([
  [AttributeType.TEXT, "text"],
  [AttributeType.INTEGER, "integer"],
  [AttributeType.DATE, "date"],
  [AttributeType.BOOLEAN, "boolean"],
  [AttributeType.CODE, "code"],
  [AttributeType.HASH, "hash"],
  [AttributeType.SECRET, "secret"],
]);
const FORMS: ReadonlyMap<CredentialForm, string> = new Map([
  [CredentialForm.PLAIN, "plain"],
  [CredentialForm.COMPOSITE, "composite"],
]);
const STATES: ReadonlyMap<IssuerKey_State, KeyState> = new Map([
  [IssuerKey_State.ACTIVE, "active"],
  [IssuerKey_State.VERIFY_ONLY, "verify-only"],
  [IssuerKey_State.RETIRED, "retired"],
]);

export type Published = PublishedDigits | PublishedCodeList;

/** A regulator as it is registered. Which of them to trust is each vault's own list to say. */
export interface Regulator {
  readonly name: string;
  readonly displayName: LocalizedText;
  readonly key: RegulatorKey;
  readonly shares: readonly PublicShare[];
}

export function other(): MalformedError {
  return new MalformedError("MALFORMED", "the service answered with something else than was asked for");
}

/** A text of a message; MalformedError VALUE_INVALID. One that is not there is empty, as Python has it. */
export const textOf = (message: TextMessage | undefined): LocalizedText =>
  new LocalizedText(message?.zh ?? "", message?.en ?? "");

/** A Schema; if it brings a digest, that must be right. MalformedError SCHEMA_INVALID and the constructors'. */
export function schemaOf(message: SchemaMessage): Schema {
  const form = FORMS.get(message.form);
  if (form === undefined) throw invalid("the form is unknown", "form");
  const attributes = message.attributes.map(attributeItems);
  const octets = encode(SCHEMA, message.name, textItems(message.displayName), form, message.validityDays, attributes);
  if (octets.length > MAX_OCTETS) throw invalid("the schema is too large", "attributes");
  const schema = Schema.fromBytes(octets);
  if (message.digest.length > 0 && !equal(message.digest, schema.digest)) {
    throw invalid("the digest is not that of the schema", "digest");
  }
  return schema;
}

function attributeItems(each: AttributeMessage): Item[] {
  const type = TYPES.get(each.type);
  if (type === undefined) throw invalid("the attribute's type is unknown", "type");
  const codes = each.codes.map(({ code, displayName }) => [code, textItems(displayName)]);
  const bounds = [each.minimum ?? null, each.maximum ?? null];
  const named = [each.id, textItems(each.displayName), type, each.optional, each.unit, each.scale];
  return [...named, ...bounds, each.maxLength, each.codeSystem, codes];
}

const textItems = (message: TextMessage | undefined): Item[] => [message?.zh ?? "", message?.en ?? ""];

/** An IssuerKey; MalformedError MALFORMED, NAME_INVALID. */
export function issuerKeyOf(message: IssuerKeyMessage): IssuerKey {
  const state = STATES.get(message.state);
  if (state === undefined) throw new MalformedError("MALFORMED", "the key's state is unknown", "state");
  return new IssuerKey(IssuerKeyName.parse(message.name, "name"), message.suite, message.publicKey, state);
}

/** An accumulator; MalformedError MALFORMED, NAME_INVALID (the name does not follow from the key). */
export function listOf({ name, suite, publicKey }: AccumulatorMessage): List {
  const key = accumulatorKey(suite, publicKey);
  const department = /^departments\/([^/]*)\/accumulators\/[0-9a-f]{32}$/.exec(name)?.[1];
  if (department === undefined || name !== accumulatorName(checkId(department, "a department", "name"), key)) {
    throw new MalformedError("NAME_INVALID", "the name does not follow from the public key", "name");
  }
  return { name, department: `departments/${department}`, key };
}

/** A key of an accumulator; MalformedError MALFORMED. */
export function accumulatorKey(suite: string, octets: Uint8Array): AccumulatorKey {
  const known = resolve(suiteName(suite));
  try {
    return new AccumulatorKey(known, octets);
  } catch (error) {
    if (!(error instanceof BbsError)) throw error;
    throw new MalformedError("MALFORMED", error.detail, "public_key");
  }
}

/**
 * A Table, every signature checked unless its digest is `known`, that of one which this vault has checked before; a digest
 * in its name must be right. MalformedError MALFORMED, NAME_INVALID; RefusedError SIGNATURE_INVALID.
 */
export function publishedOf(message: TableMessage, known?: Uint8Array): Published {
  const table = readTable(message.octets, known);
  if (message.name && message.name !== tableName(table.digest)) {
    throw new MalformedError("NAME_INVALID", "the name is not the digest of the octets", "name");
  }
  if (message.codes.length > 0 && !message.codeSystem) {
    throw new MalformedError("MALFORMED", "codes of no code system", "codes");
  }
  return message.codeSystem
    ? new PublishedCodeList(message.owner, message.codeSystem, message.codes, table)
    : new PublishedDigits(message.owner, table);
}

export const tableName = (digest: Uint8Array): string => `tables/${hex(digest)}`;

/** The digest that a table's resource name has; MalformedError NAME_INVALID. */
export function digestOfTable(name: string): Uint8Array {
  if (!TABLE.test(name)) throw new MalformedError("NAME_INVALID", "a table is named by its digest", "name");
  return Uint8Array.from(name.slice(7).match(/../g)!, (pair) => Number.parseInt(pair, 16));
}

/** A Regulator; if it brings a digest, that must be right. MalformedError MALFORMED, NAME_INVALID, VALUE_INVALID. */
export function regulatorOf(message: RegulatorMessage): Regulator {
  const displayName = textOf(message.displayName);
  const shares = message.shares.map(({ publicKey, possessionProof }) => ({ publicKey, possession: possessionProof }));
  const key = new RegulatorKey(message.suite, shares);
  if (message.digest.length > 0 && !equal(message.digest, key.digest)) {
    throw new MalformedError("MALFORMED", "the digest is not that of the key", "digest");
  }
  const regulator = REGULATOR.exec(message.name)?.[1];
  if (regulator === undefined) throw new MalformedError("NAME_INVALID", "the name is no regulator's", "name");
  checkId(regulator, "a regulator", "name");
  return { name: message.name, displayName, key, shares };
}

function invalid(detail: string, field: string): MalformedError {
  return new MalformedError("SCHEMA_INVALID", detail, field);
}
