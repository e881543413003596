// Errand bundles: the counters that one errand goes to, registered once and recorded on the ledger
// (disclosure/errand/bundle.py). A bundle never changes: another one is another version.

import {
  Day, INTEGER_MAXIMUM, INTEGER_MINIMUM, isClean, LocalizedText,
} from "../../../../prover/src/disclosure/attributes.js";
import { type Decoded, decode, digest, encode, type Item } from "../../../../prover/src/disclosure/canonical.js";
import { type DisclosureReason, MalformedError } from "../../../../prover/src/disclosure/errors.js";
import { checkAttributeId, checkId, PolicyName, verifierName } from "../../../../prover/src/disclosure/names.js";
import { flag, list, small, text, texts } from "../../../../prover/src/disclosure/reading.js";
import { recordEntry } from "../../ledger/entry.js";

const MAX_COUNTERS = 16;
const MAX_FIELDS = 32;
const MAX_TEXT_OCTETS = 1000;
const MAX_SETTLE_DAYS = 366;
const MAX_RECORD_OCTETS = 60_000;
const MAX_VERSION = 1_000_000;
const LABEL = "zk-disclosure/errand-bundle/v1";
const FIELD_LABEL = "zk-disclosure/form-field/v1";
const RECORD = "errand-bundle";
const NAME = /^errandBundles\/([^/@]*)@([1-9][0-9]{0,5})$/;
const DAY_MS = 86_400_000;

export const FIELD_TYPES = ["text", "number", "date"] as const;
export type FieldType = (typeof FIELD_TYPES)[number];

/** What a person declares: a text, a whole number, or a date. */
export type FormValue = string | bigint | Day;
export type FormValues = ReadonlyMap<string, FormValue>;

const invalid = (detail: string, field: string, reason: DisclosureReason = "VALUE_INVALID") =>
  new MalformedError(reason, detail, field);

/** `errandBundles/{bundle}@{version}`. */
export class BundleName {
  private constructor(readonly text: string, readonly bundle: string, readonly version: number) {}

  /** MalformedError NAME_INVALID. */
  static parse(written: string, field = ""): BundleName {
    const found = NAME.exec(written);
    if (found === null) throw invalid("a bundle is named errandBundles/bundle@version", field, "NAME_INVALID");
    return BundleName.of(checkId(found[1] as string, "a bundle", field), Number(found[2]));
  }

  /** MalformedError NAME_INVALID. */
  static of(bundle: string, version: number): BundleName {
    checkId(bundle, "a bundle");
    if (!Number.isInteger(version) || version < 1 || version >= MAX_VERSION) {
      throw invalid("a bundle has a version from 1 to 999999", "", "NAME_INVALID");
    }
    return new BundleName(`errandBundles/${bundle}@${version}`, bundle, version);
  }
}

interface FieldParts {
  readonly id: string;
  readonly displayName: LocalizedText;
  readonly type: FieldType;
  readonly optional: boolean;
  readonly maxLength: number;
}

/** One thing that a person declares to a counter, which no department has signed; a text has at most so many octets. */
export class FormField implements FieldParts {
  readonly id: string;
  readonly displayName: LocalizedText;
  readonly type: FieldType;
  readonly optional: boolean;
  readonly maxLength: number;

  /** MalformedError NAME_INVALID, VALUE_INVALID. */
  constructor({ id, displayName, type, optional, maxLength }: FieldParts) {
    this.id = checkAttributeId(id, "id");
    if (!Number.isInteger(maxLength) || maxLength < 1 || maxLength > MAX_TEXT_OCTETS) {
      throw invalid(`a text has 1 to ${MAX_TEXT_OCTETS} octets`, "max_length");
    }
    [this.displayName, this.type, this.optional, this.maxLength] = [displayName, type, optional, maxLength];
  }

  /** A value that may stand here; MalformedError VALUE_INVALID, which does not repeat it. */
  check(value: FormValue): FormValue {
    if (!this.#fits(value)) throw invalid(`it is no ${this.type} as the form wants it`, this.id);
    return value;
  }

  #fits(value: FormValue): boolean {
    if (typeof value === "string") return this.type === "text" && value.trim() !== "" && isClean(value, this.maxLength);
    if (typeof value === "bigint") return this.type === "number" && INTEGER_MINIMUM <= value && value <= INTEGER_MAXIMUM;
    return this.type === "date";
  }

  /** What a person wrote, as a value; MalformedError VALUE_INVALID. */
  parse(written: string): FormValue {
    if (this.type === "text") return this.check(written);
    const found = this.type === "number" ? numberOf(written.trim()) : dayOf(written.trim());
    if (found === null) throw invalid(`it is no ${this.type}; a date is written year-month-day`, this.id);
    return this.check(found);
  }

  /** What two fields have in common that ask the same thing, in whichever bundle: 32 octets. */
  get sameEverywhere(): Uint8Array {
    return digest(FIELD_LABEL, encode(FIELD_LABEL, this.id, this.displayName.items(), this.type));
  }

  items(): Item[] {
    return [this.id, this.displayName.items(), this.type, this.optional, this.maxLength];
  }
}

function numberOf(written: string): bigint | null {
  return /^[+-]?[0-9]{1,30}$/.test(written) ? BigInt(written.replace(/^\+/, "")) : null;
}

/** A day as it is written, "2026-11-01"; null for what is none. */
export function dayOf(written: string): Day | null {
  const found = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(written) ? Date.parse(`${written}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(found) || written.startsWith("0000")) return null;
  const day = new Day(found / DAY_MS);
  return dayWritten(day) === written ? day : null;
}

/** A day as it is written. */
export const dayWritten = (day: Day): string => new Date(day.number * DAY_MS).toISOString().slice(0, 10);

interface CounterParts {
  readonly part: string;
  readonly displayName: LocalizedText;
  readonly verifier: string;
  readonly policy: PolicyName;
  readonly fields: readonly FormField[];
  readonly dependsOn: readonly string[];
  readonly settleDays: number;
}

/** One counter of a bundle: whose it is, by which policy it asks, what it wants declared, and what has to be done before. */
export class Counter implements CounterParts {
  readonly part: string;
  readonly displayName: LocalizedText;
  readonly verifier: string;
  readonly policy: PolicyName;
  readonly fields: readonly FormField[];
  readonly dependsOn: readonly string[];
  readonly settleDays: number;

  /** MalformedError NAME_INVALID, REQUEST_INVALID (a policy of another verifier), VALUE_INVALID. */
  constructor({ part, displayName, verifier, policy, fields, dependsOn, settleDays }: CounterParts) {
    this.part = checkId(part, "a part", "part");
    this.verifier = verifierName(verifier, "verifier");
    if (policy.verifier !== verifier) {
      throw invalid("a counter asks by a policy of its own", "policy", "REQUEST_INVALID");
    }
    if (fields.length > MAX_FIELDS || new Set(fields.map(({ id }) => id)).size !== fields.length) {
      throw invalid(`a form has at most ${MAX_FIELDS} fields, each with an identifier of its own`, "fields");
    }
    if (!Number.isInteger(settleDays) || settleDays < 0 || settleDays > MAX_SETTLE_DAYS) {
      throw invalid(`a counter has at most ${MAX_SETTLE_DAYS} days`, "settle_days");
    }
    [this.displayName, this.policy, this.settleDays] = [displayName, policy, settleDays];
    [this.fields, this.dependsOn] = [[...fields], [...dependsOn]];
  }

  /** Throw MalformedError VALUE_INVALID, ATTRIBUTE_MISSING, ATTRIBUTE_UNKNOWN unless these are values of this counter's form. */
  check(values: FormValues): void {
    const known = new Map(this.fields.map((each) => [each.id, each]));
    for (const [name, value] of values) {
      const field = known.get(name);
      if (field === undefined) throw invalid("the form has no such field", name, "ATTRIBUTE_UNKNOWN");
      field.check(value);
    }
    for (const { id, optional } of this.fields) {
      if (!optional && !values.has(id)) throw invalid("the form wants this field", id, "ATTRIBUTE_MISSING");
    }
  }

  items(): Item[] {
    return [
      this.part, this.displayName.items(), this.verifier, this.policy.text, this.fields.map((each) => each.items()),
      this.dependsOn, this.settleDays,
    ];
  }
}

/** The counters of an errand, in the order in which they work: each depends on counters before it only. */
export class ErrandBundle {
  /** What stands on the ledger, and in the vault. */
  readonly canonical: Uint8Array;

  /** MalformedError VALUE_INVALID. */
  constructor(
    readonly name: BundleName, readonly displayName: LocalizedText, readonly description: LocalizedText,
    readonly counters: readonly Counter[],
  ) {
    if (counters.length < 1 || counters.length > MAX_COUNTERS) {
      throw invalid(`a bundle has 1 to ${MAX_COUNTERS} counters`, "counters");
    }
    checkOrder(counters);
    const about = [name.bundle, name.version, displayName.items(), description.items()];
    this.canonical = encode(LABEL, ...about, counters.map((each) => each.items()));
    if (this.canonical.length > MAX_RECORD_OCTETS) throw invalid("the bundle is too large for a record", "counters");
  }

  /** The counter of a part; MalformedError NAME_INVALID. */
  counter(part: string): Counter {
    const found = this.counters.find((each) => each.part === part);
    if (found === undefined) throw invalid("the bundle has no such part", "part", "NAME_INVALID");
    return found;
  }

  /** Its record's entry on the ledger. */
  entry(): Uint8Array {
    return recordEntry(RECORD, this.canonical);
  }

  /** Decode canonical octets; MalformedError. */
  static fromBytes(octets: Uint8Array): ErrandBundle {
    const [bundle, version, called, about, counters] = list(decode(LABEL, octets), none, 5);
    return new ErrandBundle(
      BundleName.of(text(bundle, none), small(version, none)), LocalizedText.of(called, none),
      LocalizedText.of(about, none), list(counters, none).map(counterOf),
    );
  }
}

function checkOrder(counters: readonly Counter[]): void {
  const before = new Set<string>();
  counters.forEach(({ part, dependsOn }, place) => {
    if (before.has(part)) throw invalid("two counters have one part", `counters[${place}].part`);
    if (!dependsOn.every((each) => before.has(each)) || new Set(dependsOn).size !== dependsOn.length) {
      const detail = "a counter depends on counters that stand before it, each once";
      throw invalid(detail, `counters[${place}].depends_on`);
    }
    before.add(part);
  });
}

function counterOf(item: Decoded): Counter {
  const [part, called, verifier, policy, fields, depends, days] = list(item, none, 7);
  return new Counter({
    part: text(part, none),
    displayName: LocalizedText.of(called, none),
    verifier: text(verifier, none),
    policy: PolicyName.parse(text(policy, none)),
    fields: list(fields, none).map(fieldOf),
    dependsOn: texts(depends, none),
    settleDays: small(days, none),
  });
}

function fieldOf(item: Decoded): FormField {
  const [id, called, type, optional, most] = list(item, none, 5);
  const known = FIELD_TYPES.find((each) => each === type);
  if (known === undefined) throw none();
  return new FormField({
    id: text(id, none), displayName: LocalizedText.of(called, none), type: known, optional: flag(optional, none),
    maxLength: small(most, none),
  });
}

function none(): MalformedError {
  return new MalformedError("MALFORMED", "the octets are no bundle");
}
