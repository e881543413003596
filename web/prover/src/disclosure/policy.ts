// Registered policies: what a verifier may ask, for which purpose, on which ground, and how long it keeps it
// (disclosure/policy.py). The record of one stands on the ledger whole; `canonical` is what the record holds.

import { InputError } from "../bbs/errors.js";
import { concat, equal, utf8 } from "../bbs/octets.js";
import { LocalizedText } from "./attributes.js";
import { type Decoded, decode, encode, type Item, MAX_OCTETS } from "./canonical.js";
import { MalformedError } from "./errors.js";
import { checkAttributeId, checkId, PolicyName, purposeName, SchemaName, verifierName } from "./names.js";
import { ascending, type Key } from "./order.js";
import { flag, list, octets, type Refuse, text } from "./reading.js";

const LABEL = "zk-disclosure/registered-policy/v2";
const RECORD = concat(utf8("zk-disclosure/record/v1\n"), Uint8Array.of("policy".length), utf8("policy"));
const MAX_RECORD_OCTETS = 60_000;
const MAX_ITEMS = 64;
const MAX_ATTRIBUTES = 128;
const MAX_SCOPES = 64;
const MAX_ESCROWS = 64;
const MAX_LISTS = 64;
const MAX_RETENTION_DAYS = 36_525;
const MAX_TIMES = 1_000;
const DIGEST_OCTETS = 32;
/** Parts of a record behind its label; one that says in which state receipts are demanded has one more. */
const PARTS = 11;
const RECEIPT_STATES = ["pending", "anchored", "ordered"] as const;

const invalid = (detail: string, field: string) => new MalformedError("POLICY_INVALID", detail, field);

/** In which state a verifier demands receipts before it accepts an answer. */
export type ReceiptState = (typeof RECEIPT_STATES)[number];

/** The state of a receipt that is written so; MalformedError POLICY_INVALID. */
export function receiptState(written: string): ReceiptState {
  const found = RECEIPT_STATES.find((each) => each === written);
  if (found === undefined) throw invalid("a receipt is pending, anchored or ordered", "receipt");
  return found;
}

/** A schema as far as a policy names it: a data item of a department's, in all its versions. */
export type DataItem = Pick<SchemaName, "department" | "item">;

/** A schema's name without its version. */
export function itemName({ department, item }: DataItem): string {
  return `departments/${department}/schemas/${item}`;
}

/**
 * A data item of a department's, in all its versions, and what of it may be shown, and proven about. What may be shown
 * may be proven about too. MalformedError POLICY_INVALID, NAME_INVALID.
 */
export class AllowedItem {
  constructor(
    readonly department: string, readonly item: string, readonly shown: readonly string[] = [],
    readonly proven: readonly string[] = [],
  ) {
    checkId(department, "a department", "item");
    checkAttributeId(item, "item");
    for (const [field, attributes] of [["shown", shown], ["proven", proven]] as const) {
      for (const each of attributes) checkAttributeId(each, field);
      if (attributes.length > MAX_ATTRIBUTES || !ascending(attributes)) {
        throw invalid(`at most ${MAX_ATTRIBUTES} attributes, in order and each once`, field);
      }
    }
    if (proven.some((each) => shown.includes(each))) {
      throw invalid("what may be shown may be proven about: it stands there once", "proven");
    }
  }

  /** Whether an attribute may be shown. */
  mayShow(attribute: string): boolean {
    return this.shown.includes(attribute);
  }

  /** Whether something may be proven about an attribute. */
  mayProve(attribute: string): boolean {
    return this.mayShow(attribute) || this.proven.includes(attribute);
  }

  items(): Item[] {
    return [this.department, this.item, this.shown, this.proven];
  }

  static of(item: Decoded): AllowedItem {
    const refuse = () => invalid("the octets hold no item", "items");
    const [department, name, shown, proven] = list(item, refuse, 4);
    const [of, what] = [text(department, refuse), text(name, refuse)];
    const [first, second] = [list(shown, refuse), list(proven, refuse)];
    return new AllowedItem(of, what, textsIn(first), textsIn(second));
  }
}

/** One attribute of a data item, in all its versions; `text` names it. MalformedError NAME_INVALID. */
export class AllowedAttribute {
  readonly text: string;

  constructor(readonly department: string, readonly item: string, readonly attribute: string) {
    checkId(department, "a department", "item");
    checkAttributeId(item, "item");
    checkAttributeId(attribute, "attribute");
    this.text = `${itemName(this)}: ${attribute}`;
  }

  get order(): readonly string[] {
    return [this.department, this.item, this.attribute];
  }

  items(): Item[] {
    return [...this.order];
  }

  static of(item: Decoded | undefined): AllowedAttribute {
    const refuse = () => invalid("the octets hold no attribute", "of");
    const [department, name, attribute] = list(item, refuse, 3);
    return new AllowedAttribute(text(department, refuse), text(name, refuse), text(attribute, refuse));
  }
}

/**
 * A scope of pseudonyms, by its label, and what they are of there: the holder (null), or an attribute. The scope is the
 * verifier's own, or one that these members share. MalformedError POLICY_INVALID, NAME_INVALID.
 */
export class AllowedScope {
  /** Scopes of one label and one set of members have one place. */
  readonly place: string;
  /** Which scope it is, and of what: two are the same where this is. */
  readonly text: string;

  constructor(
    readonly label: string, readonly members: readonly string[] = [], readonly of: AllowedAttribute | null = null,
  ) {
    checkId(label, "a scope's label", "label");
    if (!ascending(members) || members.length === 1) {
      throw invalid("members are none, or two and more in the order of their names", "members");
    }
    this.place = [label, ...members].join(" ");
    this.text = `${this.place}, of ${of?.text ?? "the holder"}`;
  }

  get order(): Key {
    return [this.label, this.members, this.of?.order ?? []];
  }

  items(): Item[] {
    return [this.label, this.members, this.of && this.of.items()];
  }

  static of(item: Decoded): AllowedScope {
    const refuse = () => invalid("the octets hold no scope", "scopes");
    const [label, members, of] = list(item, refuse, 3);
    const [name, all] = [text(label, refuse), list(members, refuse)];
    const subject = of === null ? null : AllowedAttribute.of(of);
    return new AllowedScope(name, textsIn(all).map((each) => verifierName(each)), subject);
  }
}

/** What may be sealed for whom: an attribute, for the regulator whose key has this digest; POLICY_INVALID. */
export class AllowedEscrow {
  constructor(readonly regulator: Uint8Array, readonly of: AllowedAttribute) {
    if (regulator.length !== DIGEST_OCTETS) {
      throw invalid(`the digest of a regulator's key has ${DIGEST_OCTETS} octets`, "regulator");
    }
  }

  get order(): Key {
    return [this.regulator, this.of.order];
  }

  items(): Item[] {
    return [this.regulator, this.of.items()];
  }

  static of(item: Decoded): AllowedEscrow {
    const refuse = () => invalid("the octets hold no escrow", "escrows");
    const [regulator, of] = list(item, refuse, 2);
    return new AllowedEscrow(octets(regulator, refuse), AllowedAttribute.of(of));
  }
}

/**
 * How far a holder may agree beforehand: at most so many times, so many days apart, for so many days, of which the first
 * is that on which the consent is asked for. MalformedError POLICY_INVALID.
 */
export class StandingLimits {
  constructor(readonly times: number, readonly intervalDays: number, readonly days: number) {
    for (const [field, value, least, most] of [
      ["times", times, 1, MAX_TIMES],
      ["interval_days", intervalDays, 0, MAX_RETENTION_DAYS],
      ["days", days, 1, MAX_RETENTION_DAYS],
    ] as const) {
      if (!isWhole(value, least, most)) throw invalid(`a whole number from ${least} to ${most}`, field);
    }
  }

  items(): Item[] {
    return [this.times, this.intervalDays, this.days];
  }

  static of(item: Decoded): StandingLimits {
    const refuse = () => invalid("the octets hold no limits", "standing");
    const [times, intervalDays, days] = list(item, refuse, 3).map((each) => number(each, refuse));
    return new StandingLimits(times as number, intervalDays as number, days as number);
  }
}

/** What a policy is made of; `lists` are digests of published lists. */
export interface PolicyFields {
  readonly name: PolicyName;
  /** The name of a registered purpose, of which the text and the legal basis are those of the time. */
  readonly purpose: string;
  readonly purposeText: LocalizedText;
  readonly legalBasis: LocalizedText;
  readonly retentionDays: number;
  readonly items: readonly AllowedItem[];
  readonly scopes?: readonly AllowedScope[];
  readonly escrows?: readonly AllowedEscrow[];
  readonly lists?: readonly Uint8Array[];
  /** Whether numbers that other holders have committed to may be counted. */
  readonly foreign?: boolean;
  /** null: no consent is given beforehand. */
  readonly standing?: StandingLimits | null;
  /** null: the policy says nothing of it, and has the octets that it had before there was such a thing. */
  readonly receipt?: ReceiptState | null;
}

/** One version of a policy, as its record has it. MalformedError POLICY_INVALID, NAME_INVALID. */
export class RegisteredPolicy {
  readonly name: PolicyName;
  readonly purpose: string;
  readonly purposeText: LocalizedText;
  readonly legalBasis: LocalizedText;
  /** How many days the verifier keeps what it was shown. */
  readonly retentionDays: number;
  readonly items: readonly AllowedItem[];
  readonly scopes: readonly AllowedScope[];
  readonly escrows: readonly AllowedEscrow[];
  readonly lists: readonly Uint8Array[];
  readonly foreign: boolean;
  readonly standing: StandingLimits | null;
  /** In which state receipts are demanded, if it says so. */
  readonly receipt: ReceiptState | null;
  /** Its canonical octets, which its record holds. */
  readonly canonical: Uint8Array;

  constructor(fields: PolicyFields) {
    this.name = fields.name;
    this.purpose = purposeName(fields.purpose, "purpose");
    this.purposeText = fields.purposeText;
    this.legalBasis = fields.legalBasis;
    this.retentionDays = fields.retentionDays;
    this.items = [...fields.items];
    this.scopes = [...(fields.scopes ?? [])];
    this.escrows = [...(fields.escrows ?? [])];
    this.lists = (fields.lists ?? []).map((each) => each.slice());
    this.foreign = fields.foreign ?? false;
    this.standing = fields.standing ?? null;
    this.receipt = fields.receipt ?? null;
    this.check();
    this.canonical = encode(
      LABEL, this.name.text, this.purpose, this.purposeText.items(), this.legalBasis.items(), this.retentionDays,
      this.items.map((each) => each.items()), this.scopes.map((each) => each.items()),
      this.escrows.map((each) => each.items()), this.lists, this.foreign, this.standing && this.standing.items(),
      ...(this.receipt === null ? [] : [this.receipt]),
    );
    if (this.canonical.length > MAX_OCTETS) throw invalid("the policy is too large", "items");
  }

  private check(): void {
    if (!isWhole(this.retentionDays, 0, MAX_RETENTION_DAYS)) {
      throw invalid(`a number of days from 0 to ${MAX_RETENTION_DAYS}`, "retention_days");
    }
    checkOrder(this.items.map(itemName), "items", MAX_ITEMS, 1);
    checkOrder(this.scopes.map((each) => each.order), "scopes", MAX_SCOPES);
    checkOrder(this.escrows.map((each) => each.order), "escrows", MAX_ESCROWS);
    checkOrder(this.lists, "lists", MAX_LISTS);
    if (this.lists.some((each) => each.length !== DIGEST_OCTETS)) {
      throw invalid(`the digest of a list has ${DIGEST_OCTETS} octets`, "lists");
    }
  }

  /** Decode canonical octets; MalformedError MALFORMED and the constructors'. */
  static fromBytes(canonical: Uint8Array): RegisteredPolicy {
    const refuse = () => new MalformedError("MALFORMED", "the octets are no registered policy");
    const fields = list(decode(LABEL, canonical, MAX_OCTETS, MAX_OCTETS), refuse);
    if (fields.length !== PARTS && fields.length !== PARTS + 1) throw refuse();
    const [name, purpose] = [text(fields[0], refuse), text(fields[1], refuse)];
    const [stated, basis] = [pairOf(fields[2], refuse), pairOf(fields[3], refuse)];
    const retentionDays = number(fields[4], refuse);
    const [items, scopes, escrows, lists] = fields.slice(5, 9).map((each) => list(each, refuse)) as Decoded[][];
    const foreign = flag(fields[9], refuse);
    const receipt = fields.length === PARTS ? null : text(fields[PARTS], refuse);
    const policy = new RegisteredPolicy({
      name: PolicyName.parse(name), purpose, purposeText: new LocalizedText(...stated),
      legalBasis: new LocalizedText(...basis), retentionDays, items: items!.map(AllowedItem.of),
      scopes: scopes!.map(AllowedScope.of), escrows: escrows!.map(AllowedEscrow.of),
      lists: lists!.filter((each) => each instanceof Uint8Array), foreign,
      standing: fields[10] === null ? null : StandingLimits.of(fields[10] as Decoded),
      receipt: receipt === null ? null : receiptState(receipt),
    });
    if (!equal(policy.canonical, canonical)) throw refuse();
    return policy;
  }

  /** What it allows of a data item; undefined if nothing. */
  item(of: DataItem): AllowedItem | undefined {
    return this.items.find((each) => each.department === of.department && each.item === of.item);
  }

  /** Whether something may be proven to be in the list of this digest. */
  allowsList(digest: Uint8Array): boolean {
    return this.lists.some((each) => equal(each, digest));
  }

  /** What may be sealed for the regulator of this digest. */
  escrowsFor(regulator: Uint8Array): readonly AllowedEscrow[] {
    return this.escrows.filter((each) => equal(each.regulator, regulator));
  }

  /** The octets of its entry on the ledger; InputError INVALID_LENGTH for one that is too large to stand there. */
  entry(): Uint8Array {
    if (this.canonical.length > MAX_RECORD_OCTETS) {
      throw new InputError("INVALID_LENGTH", `a record has at most ${MAX_RECORD_OCTETS} octets`);
    }
    return concat(RECORD, this.canonical);
  }
}

function checkOrder(keys: readonly Key[], field: string, most: number, least = 0): void {
  if (keys.length < least || keys.length > most || !ascending(keys)) {
    const many = least === 0 ? "at most" : `${least} to`;
    throw invalid(`${many} ${most} ${field}, in order and each once`, field);
  }
}

function isWhole(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

/** A number as it was decoded. A truth value is one to Python, which then says that it is none: so is NaN here. */
function number(item: Decoded | undefined, refuse: Refuse): number {
  if (typeof item === "boolean") return Number.NaN;
  if (typeof item !== "bigint") throw refuse();
  return Number(item);
}

function pairOf(item: Decoded | undefined, refuse: Refuse): [string, string] {
  const [zh, en] = list(item, refuse, 2);
  return [text(zh, refuse), text(en, refuse)];
}

/** The texts of a list; what is none is found to be missing when the whole is compared with what was read. */
function textsIn(items: readonly Decoded[]): string[] {
  return items.filter((each) => typeof each === "string");
}
