// Registered policies as the service tells of them (wire/policy.py): the parts of a message, in any order, put into that
// which policies have. What comes of it is believed when its `entry` stands on the ledger.

import { LocalizedText } from "./attributes.js";
import { MalformedError } from "./errors.js";
import { PolicyName, SchemaName, verifierName } from "./names.js";
import { compare } from "./order.js";
import {
  AllowedAttribute, AllowedEscrow, AllowedItem, AllowedScope, itemName, type ReceiptState, RegisteredPolicy, StandingLimits,
} from "./policy.js";

/** What the numbers of `Policy.Receipt` mean; null: nothing is demanded. */
const RECEIPTS: readonly (ReceiptState | null)[] = [null, "pending", "anchored", "ordered"];

interface TextMessage {
  readonly zh: string;
  readonly en: string;
}

interface AttributeMessage {
  readonly item: string;
  readonly attribute: string;
}

/** `zkproto.v1.Policy` without state, time and proof, as Protobuf-ES has it. */
export interface PolicyMessage {
  readonly name: string;
  readonly purpose: string;
  readonly purposeText?: TextMessage | undefined;
  readonly legalBasis?: TextMessage | undefined;
  readonly retentionDays: number;
  readonly items: readonly { readonly item: string; readonly shown: readonly string[]; readonly proven: readonly string[] }[];
  readonly scopes: readonly ScopeMessage[];
  readonly escrows: readonly EscrowMessage[];
  readonly lists: readonly Uint8Array[];
  readonly foreign: boolean;
  readonly standing?: { readonly times: number; readonly intervalDays: number; readonly days: number } | undefined;
  readonly receipt: number;
}

interface ScopeMessage {
  readonly label: string;
  readonly members: readonly string[];
  readonly of?: AttributeMessage | undefined;
}

interface EscrowMessage {
  readonly regulator: Uint8Array;
  readonly of?: AttributeMessage | undefined;
}

/** The policy of a message; MalformedError of `RegisteredPolicy`, with the path in the message as its field. */
export function policyFromMessage(message: PolicyMessage): RegisteredPolicy {
  const [stated, basis] = [present(message.purposeText, "purpose_text"), present(message.legalBasis, "legal_basis")];
  const purposeText = within("purpose_text", () => new LocalizedText(stated.zh, stated.en));
  const legalBasis = within("legal_basis", () => new LocalizedText(basis.zh, basis.en));
  const items = eachWithin("items", message.items, (each) => itemOf(each.item, each.shown, each.proven));
  const scopes = eachWithin("scopes", message.scopes, scopeOf);
  const escrows = eachWithin("escrows", message.escrows, escrowOf);
  const limits = message.standing;
  const standing = within("standing", () => limits && new StandingLimits(limits.times, limits.intervalDays, limits.days));
  const receipt = RECEIPTS[message.receipt];
  if (receipt === undefined) throw new MalformedError("POLICY_INVALID", "no such state of a receipt is known", "receipt");
  return new RegisteredPolicy({
    name: PolicyName.parse(message.name, "name"), purpose: message.purpose, purposeText, legalBasis,
    retentionDays: message.retentionDays, items: items.sort((one, other) => compare(itemName(one), itemName(other))),
    scopes: scopes.sort((one, other) => compare(one.order, other.order)),
    escrows: escrows.sort((one, other) => compare(one.order, other.order)),
    lists: [...message.lists].sort(compare), foreign: message.foreign, standing: standing ?? null, receipt,
  });
}

function itemOf(name: string, shown: readonly string[], proven: readonly string[]): AllowedItem {
  const { department, item } = schemaOf(name);
  const first = new Set(shown);
  const rest = new Set(proven.filter((each) => !first.has(each)));
  return new AllowedItem(department, item, [...first].sort(), [...rest].sort());
}

function scopeOf({ label, members, of }: ScopeMessage): AllowedScope {
  const subject = of === undefined ? null : attributeOf(of);
  return new AllowedScope(label, members.map((each) => verifierName(each, "members")).sort(), subject);
}

function escrowOf({ regulator, of }: EscrowMessage): AllowedEscrow {
  if (of === undefined) throw new MalformedError("POLICY_INVALID", "what is escrowed is missing", "of");
  return new AllowedEscrow(regulator, attributeOf(of));
}

function attributeOf({ item: name, attribute }: AttributeMessage): AllowedAttribute {
  return within("of", () => {
    const { department, item } = schemaOf(name);
    return new AllowedAttribute(department, item, attribute);
  });
}

/** The schema of a name without its version. */
function schemaOf(name: string): SchemaName {
  return SchemaName.parse(`${name}@1`, "item");
}

function present<T>(message: T | undefined, field: string): T {
  if (message === undefined) throw new MalformedError("POLICY_INVALID", "the text is missing", field);
  return message;
}

function eachWithin<T, U>(field: string, messages: readonly T[], convert: (message: T) => U): U[] {
  return messages.map((each, index) => within(`${field}[${index}]`, () => convert(each)));
}

/** What an act gives; a MalformedError of it is told as of a place within `field`. */
function within<T>(field: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw new MalformedError(error.reason, error.detail, error.field ? `${field}.${error.field}` : field);
  }
}
