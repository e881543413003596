// Typed attributes: definitions and values, as disclosure/attributes.py has them.

import type { Decoded, Item } from "./canonical.js";
import { utf8 } from "./canonical.js";
import { type DisclosureReason, MalformedError } from "./errors.js";
import { checkAttributeId } from "./names.js";
import { flag, list, orNull, type Refuse, small, text, whole } from "./reading.js";

/** A date as days since 1970-01-01, in the years 1 to 9999; MalformedError VALUE_INVALID. */
export class Day {
  constructor(readonly number: number) {
    if (!Number.isSafeInteger(number) || number < FIRST_DAY || number > LAST_DAY) {
      throw new MalformedError("VALUE_INVALID", "the day is outside the years 1 to 9999");
    }
  }
}

/** A value of an attribute: text and codes are strings, integers bigints, hashes and secrets 32 octets. */
export type Value = string | bigint | boolean | Uint8Array | Day;
export type Values = Readonly<Record<string, Value>>;

export const FIRST_DAY = -719_162;
export const LAST_DAY = 2_932_896;
export const INTEGER_MINIMUM = -(1n << 63n);
export const INTEGER_MAXIMUM = (1n << 63n) - 1n;
export const HASH_OCTETS = 32;
const MAX_TEXT_OCTETS = 4096;
const MAX_CODES = 1000;
const HIDDEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Noncharacter_Code_Point}]/u;
const TYPES = ["text", "integer", "date", "boolean", "code", "hash", "secret"] as const;

export type AttributeType = (typeof TYPES)[number];

/** Whether a text may be signed and shown: short enough, in normal form C, nothing in it that is hidden on a screen. */
export function isClean(value: string, most = MAX_TEXT_OCTETS): boolean {
  if (HIDDEN.test(value) || value.normalize("NFC") !== value) return false;
  return utf8(value).length <= most;
}

/** A name or sentence in Simplified Chinese and in English; MalformedError VALUE_INVALID. */
export class LocalizedText {
  constructor(readonly zh: string, readonly en: string) {
    for (const [language, value] of [["zh", zh], ["en", en]] as const) {
      if (!value.trim() || !isClean(value, 1000)) {
        const detail = "a text has 1 to 1000 octets in normal form C, without control characters";
        throw new MalformedError("VALUE_INVALID", detail, language);
      }
    }
  }

  items(): Item[] {
    return [this.zh, this.en];
  }

  static of(item: Decoded | undefined, refuse: Refuse): LocalizedText {
    const [zh, en] = list(item, refuse, 2);
    return new LocalizedText(text(zh, refuse), text(en, refuse));
  }
}

export interface Code {
  readonly code: string;
  readonly displayName: LocalizedText;
}

interface Fields {
  readonly id: string;
  readonly displayName: LocalizedText;
  readonly type: AttributeType;
  readonly optional?: boolean;
  readonly unit?: string;
  readonly scale?: number;
  readonly minimum?: bigint | null;
  readonly maximum?: bigint | null;
  readonly maxLength?: number;
  readonly codeSystem?: string;
  readonly codes?: readonly Code[];
}

/**
 * One attribute of a schema; MalformedError SCHEMA_INVALID, NAME_INVALID. Bounds are those of integers as they are and
 * of dates in days; `maxLength` bounds texts in octets; an integer n means n * 10^-scale units.
 */
export class AttributeDefinition {
  readonly id: string;
  readonly displayName: LocalizedText;
  readonly type: AttributeType;
  readonly optional: boolean;
  readonly unit: string;
  readonly scale: number;
  readonly minimum: bigint | null;
  readonly maximum: bigint | null;
  readonly maxLength: number;
  readonly codeSystem: string;
  readonly codes: readonly Code[];

  constructor(fields: Fields) {
    this.id = checkAttributeId(fields.id, "id");
    this.displayName = fields.displayName;
    this.type = fields.type;
    this.optional = fields.optional ?? false;
    this.unit = fields.unit ?? "";
    this.scale = fields.scale ?? 0;
    this.minimum = fields.minimum ?? null;
    this.maximum = fields.maximum ?? null;
    this.maxLength = fields.maxLength ?? 0;
    this.codeSystem = fields.codeSystem ?? "";
    this.codes = fields.codes ?? [];
    if (this.type === "secret" && this.optional) throw invalid("optional", "a secret is never optional");
    this.checkBounds();
    this.checkForm();
    this.checkCodes();
  }

  private checkBounds(): void {
    const { minimum, maximum } = this;
    if (this.type !== "integer" && this.type !== "date") {
      if (minimum !== null || maximum !== null) throw invalid("minimum", "only integers and dates have bounds");
      return;
    }
    if (minimum === null || maximum === null) throw invalid("minimum", "integers and dates have both bounds");
    const [low, high] = this.type === "date"
      ? [BigInt(FIRST_DAY), BigInt(LAST_DAY)] : [INTEGER_MINIMUM, INTEGER_MAXIMUM];
    if (!(low <= minimum && minimum <= maximum && maximum <= high)) {
      throw invalid("maximum", "the bounds are ordered and have 64 bits, days are in the years 1 to 9999");
    }
  }

  private checkForm(): void {
    if (this.type !== "integer" && (this.unit || this.scale)) {
      throw invalid("unit", "only integers have a unit and a scale");
    }
    if (this.scale < 0 || this.scale > 18 || !isClean(this.unit, 32)) {
      throw invalid("scale", "a scale is 0 to 18, a unit has 32 octets at most");
    }
    const sized = this.maxLength !== 0;
    if ((this.type === "text") !== sized || this.maxLength < 0 || this.maxLength > MAX_TEXT_OCTETS) {
      throw invalid("max_length", `texts, and only texts, have a length of 1 to ${MAX_TEXT_OCTETS}`);
    }
  }

  private checkCodes(): void {
    const wanted = this.type === "code";
    if (wanted !== (this.codeSystem !== "") || !isClean(this.codeSystem, 64)) {
      throw invalid("code_system", "codes, and only codes, have a code system of 1 to 64 octets");
    }
    if (wanted !== this.codes.length > 0 || this.codes.length > MAX_CODES) {
      throw invalid("codes", `codes, and only codes, have a list of 1 to ${MAX_CODES}`);
    }
    if (new Set(this.codes.map((each) => each.code)).size !== this.codes.length) {
      throw invalid("codes", "a code stands in the list twice");
    }
  }

  /** Decode what stands in a schema; MalformedError SCHEMA_INVALID, NAME_INVALID, VALUE_INVALID. */
  static of(item: Decoded): AttributeDefinition {
    const refuse = () => invalid("attributes", "the octets hold no attribute");
    const fields = list(item, refuse, 11);
    const kind = TYPES.find((each) => each === fields[2]);
    if (kind === undefined) throw refuse();
    return new AttributeDefinition({
      id: text(fields[0], refuse),
      displayName: LocalizedText.of(fields[1], refuse),
      type: kind,
      optional: flag(fields[3], refuse),
      unit: text(fields[4], refuse),
      scale: small(fields[5], refuse),
      minimum: orNull(fields[6], refuse, whole),
      maximum: orNull(fields[7], refuse, whole),
      maxLength: small(fields[8], refuse),
      codeSystem: text(fields[9], refuse),
      codes: list(fields[10], refuse).map(codeOf),
    });
  }

  /** Throw VALUE_INVALID or ATTRIBUTE_MISSING unless it is a value of this attribute; undefined is an absent one. */
  check(value: Value | undefined, field = this.id): void {
    if (value === undefined) {
      if (!this.optional) throw wrong("ATTRIBUTE_MISSING", `${this.id} is not optional`, field);
    } else if (!this.has(value)) {
      throw wrong("VALUE_INVALID", `${this.id} has no such value`, field);
    }
  }

  /** Whether it is a value of this attribute. */
  has(value: Value): boolean {
    switch (this.type) {
      case "text":
        return typeof value === "string" && value !== "" && isClean(value, this.maxLength);
      case "integer":
        return typeof value === "bigint" && this.within(value);
      case "date":
        return value instanceof Day && this.within(BigInt(value.number));
      case "boolean":
        return typeof value === "boolean";
      case "code":
        return typeof value === "string" && this.codes.some((each) => each.code === value);
      default:
        return value instanceof Uint8Array && value.length === HASH_OCTETS;
    }
  }

  private within(number: bigint): boolean {
    return this.minimum !== null && this.maximum !== null && this.minimum <= number && number <= this.maximum;
  }
}

/** A value for canonical encoding: dates as days. */
export function toItem(value: Value): bigint | string | boolean | Uint8Array {
  return value instanceof Day ? BigInt(value.number) : value;
}

/** The value that `toItem` made an item of, checked; MalformedError VALUE_INVALID. */
export function fromItem(definition: AttributeDefinition, item: Decoded): Value {
  const refuse = () => wrong("VALUE_INVALID", `${definition.id} has no such value`, definition.id);
  if (item === null || Array.isArray(item)) throw refuse();
  const value = definition.type === "date" && typeof item === "bigint" ? new Day(small(item, refuse)) : item;
  definition.check(value);
  return value;
}

function codeOf(item: Decoded): Code {
  const refuse = () => invalid("codes", "the octets hold no code");
  const [code, name] = list(item, refuse, 2);
  const read = text(code, refuse);
  if (!read || !isClean(read, 64)) throw invalid("code", "a code has 1 to 64 octets");
  return { code: read, displayName: LocalizedText.of(name, refuse) };
}

function invalid(field: string, detail: string): MalformedError {
  return new MalformedError("SCHEMA_INVALID", detail, field);
}

function wrong(reason: DisclosureReason, detail: string, field: string): MalformedError {
  return new MalformedError(reason, detail, field);
}
