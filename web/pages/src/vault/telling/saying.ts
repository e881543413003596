// Texts in both languages at once, from the tables that Python's sentences are written out in, and values as a person
// reads them (prover/consent.py). What is put into a sentence is made safe: nothing in it controls, hides or turns text.

import { hex } from "../../../../prover/src/bbs/octets.js";
import { type AttributeDefinition, Day, type LocalizedText, type Value } from "../../../../prover/src/disclosure/attributes.js";
import type { Text } from "../model.js";
import { CONSENT, UNITS } from "./texts.js";

/** What stands in a sentence: a text of both languages, or what is written alike in both. */
export type Part = Text | string | number | bigint;
type Language = keyof Text;

const STEERS = /[\p{C}\p{Zl}\p{Zp}]/gu;
const DAY = 86_400;
/** The cities' clock is eight hours ahead of UTC, all year. */
const CIVIL_HOURS = 8;

/** A text without anything that controls a terminal or hides or turns text: that is written as its code point. */
export function safe(text: string): string {
  return text.replace(STEERS, (each) => {
    const point = (each.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    return `<U+${point}>`;
  });
}

/** A sentence with what stands in it put where its names are. */
export function say(sentence: Text, parts: Readonly<Record<string, Part>> = {}): Text {
  return { zh: filled(sentence, parts, "zh"), en: filled(sentence, parts, "en") };
}

function filled(sentence: Text, parts: Readonly<Record<string, Part>>, language: Language): string {
  return sentence[language].replace(/\{([a-z_]+)\}/g, (_, name: string) => {
    const part = parts[name];
    if (part === undefined) throw new Error(`the sentence wants ${name}`);
    return safe(typeof part === "object" ? part[language] : String(part));
  });
}

/** Texts with another between each two. */
export function joined(texts: readonly Part[], between: Text): Text {
  const of = (language: Language): string => {
    const each = texts.map((part) => (typeof part === "object" ? part[language] : String(part)));
    return each.join(between[language]);
  };
  return { zh: of("zh"), en: of("en") };
}

/** One text for both languages. */
export function same(text: string): Text {
  return { zh: text, en: text };
}

/** A published text as plain data. */
export function plain(text: LocalizedText): Text {
  return { zh: text.zh, en: text.en };
}

/** A value as a person reads it: codes by their names, numbers with decimals and unit; an absent one is null. */
export function valueText(attribute: AttributeDefinition, value: Value | null | undefined): Text {
  if (value === null || value === undefined) return say(CONSENT.absent);
  if (attribute.type === "secret") return say(CONSENT.secret);
  if (typeof value === "boolean") return say(value ? CONSENT.true : CONSENT.false);
  if (typeof value === "bigint") return numberText(attribute, value);
  if (value instanceof Day) return dateText(value);
  if (value instanceof Uint8Array) return same(hex(value));
  if (attribute.type !== "code") return same(safe(value));
  const name = attribute.codes.find((each) => each.code === value)?.displayName ?? same("?");
  return say(CONSENT.code, { name: plain(name as LocalizedText), code: value });
}

function numberText(attribute: AttributeDefinition, number: bigint): Text {
  const { scale, unit } = attribute;
  const digits = (number < 0n ? -number : number).toString().padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale);
  const decimals = scale ? `.${digits.slice(-scale)}` : "";
  const named = Object.hasOwn(UNITS, unit) ? UNITS[unit as keyof typeof UNITS] : same(unit);
  const of = (language: Language): string =>
    safe(`${number < 0n ? "-" : ""}${whole}${decimals} ${named[language]}`.trimEnd());
  return { zh: of("zh"), en: of("en") };
}

/** A date as a person reads it. */
export function dateText(day: Day): Text {
  const date = new Date(day.number * DAY * 1000);
  const [year, month, inMonth] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
  const two = (each: number): string => String(each).padStart(2, "0");
  return {
    zh: `${year}年${month}月${inMonth}日`,
    en: `${String(year).padStart(4, "0")}-${two(month)}-${two(inMonth)}`,
  };
}

/** A moment, in seconds, by the cities' clock, to the minute. */
export function momentText(seconds: number): Text {
  const local = Math.floor(seconds) + CIVIL_HOURS * 3600;
  const day = dateText(new Day(Math.floor(local / DAY)));
  const minutes = Math.floor((local - Math.floor(local / DAY) * DAY) / 60);
  const two = (each: number): string => String(each).padStart(2, "0");
  const time = `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
  return { zh: `${day.zh} ${time} 北京时间`, en: `${day.en} ${time} UTC+08:00` };
}
