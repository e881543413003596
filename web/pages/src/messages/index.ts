// Texts in the person's language, by name. Whatever is filled in stays text: nothing of it is ever markup.
import { type Language, useSettings } from "../ui/settings.js";
import { LedgerError } from "../ledger/encoding.js";
import { en } from "./en.js";
import { zh } from "./zh.js";

export type Key = keyof typeof en;
export type Messages = Readonly<Record<Key, string>>;
export type Text = (key: Key, values?: Readonly<Record<string, string | number | bigint>>) => string;

const TABLES: Readonly<Record<Language, Messages>> = { en, zh };

export function textIn(language: Language): Text {
  const table = TABLES[language];
  return (key, values = {}) => filled(table[key], values);
}

/** Fill in what stands in braces. */
export function filled(text: string, values: Readonly<Record<string, string | number | bigint>>): string {
  return text.replace(/\{([a-z_]+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The texts in the language that is chosen now. */
export const useText = (): Text => textIn(useSettings().language);

/** Say why something failed. */
export function reasonOf(error: unknown, text: Text): string {
  if (error instanceof LedgerError) return text(`reason.${error.reason}`);
  return text(isUnreachable(error) ? "reason.UNREACHABLE" : "reason.UNKNOWN");
}

function isUnreachable(error: unknown): boolean {
  return error instanceof Error && error.name === "ConnectError";
}

/** Write a moment in the person's language and time zone. */
export function moment(ms: number, language: Language): string {
  const locale = language === "zh" ? "zh-CN" : "en-GB";
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" }).format(new Date(ms));
}
