// The texts of the vault's screens: in tables of their own, which the other pages do not load.
import * as reasons from "../../../gen/reasons.js";
import { filled } from "../../messages/index.js";
import { type Language, useSettings } from "../../ui/settings.js";
import type { Fault, Text } from "../model.js";
import { en } from "./en.js";
import { zh } from "./zh.js";

export type Key = keyof typeof en;
export type Texts = Readonly<Record<Key, string>>;
export type Say = (key: Key, values?: Readonly<Record<string, string | number | bigint>>) => string;

const TABLES: Readonly<Record<Language, Texts>> = { en, zh };

/** The vault's texts in the language that is chosen now. */
export function useSay(): Say {
  const table = TABLES[useSettings().language];
  return (key, values = {}) => filled(table[key], values);
}

/** The same of a table of its own, which is loaded with the screens that it is of. */
export function useSayOf<Name extends string>(
  tables: Readonly<Record<Language, Readonly<Record<Name, string>>>>,
): (key: Name, values?: Readonly<Record<string, string | number | bigint>>) => string {
  const table = tables[useSettings().language];
  return (key, values = {}) => filled(table[key], values);
}

/** A text of the vault's in the language that is chosen now. */
export function useIn(): (text: Text) => string {
  const { language } = useSettings();
  return (text) => text[language];
}

/** Whatever a promise of the vault was broken with; what is no fault of the vault's tells nothing of itself. */
export function faultOf(error: unknown): Fault {
  const { reason, detail, passing } = (error ?? {}) as Partial<Record<keyof Fault, unknown>>;
  if (typeof reason !== "string" || !/^[A-Z0-9_]{1,60}$/.test(reason)) {
    return { reason: "UNKNOWN", detail: "", passing: false };
  }
  return { reason, detail: typeof detail === "string" ? detail : "", passing: passing === true };
}

/** Say a fault in the language that is chosen now: in words, with its stable reason behind. */
export function useFault(): (fault: Fault) => string {
  const { language } = useSettings();
  const table = TABLES[language];
  return ({ reason, passing }) => {
    if (passing) return table["fault.away"];
    const own = `fault.${reason}`;
    const text = Object.hasOwn(table, own) ? table[own as Key] : known(reasons[language], reason);
    if (text === undefined) return filled(table["fault.other"], { reason });
    return filled(table["fault.with"], { text, reason });
  };
}

const known = (table: Readonly<Record<string, string>>, reason: string): string | undefined =>
  Object.hasOwn(table, reason) ? table[reason] : undefined;

/** A day as it is written in a credential, "2027-01-31", in the person's language. */
export function useDay(): (day: string) => string {
  const locale = useSettings().language === "zh" ? "zh-CN" : "en-GB";
  return (day) => {
    const at = Date.parse(`${day}T00:00:00Z`);
    if (Number.isNaN(at)) return day;
    return new Intl.DateTimeFormat(locale, { dateStyle: "long", timeZone: "UTC" }).format(at);
  };
}
