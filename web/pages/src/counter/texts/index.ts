// The board's own texts: other pages do not load them.
import { textFrom } from "../../messages/index.js";
import { type Language, useSettings } from "../../ui/settings.js";
import type { Both } from "../parts.js";
import { en } from "./en.js";
import { zh } from "./zh.js";

export type Key = keyof typeof en;
export type Table = Readonly<Record<Key, string>>;
export type Text = (key: Key, values?: Readonly<Record<string, string | number | bigint>>) => string;

const TABLES: Readonly<Record<Language, Table>> = { en, zh };

interface Told {
  readonly text: Text;
  readonly language: Language;
  /** A text that others have written, in the person's language. */
  readonly of: (both: Both) => string;
  readonly day: (iso: string) => string;
}

/** The texts in the language that is chosen now, and how days are written in it. */
export function useTexts(): Told {
  const { language } = useSettings();
  const locale = language === "zh" ? "zh-CN" : "en-GB";
  const text: Text = textFrom(TABLES[language]);
  return {
    text,
    language,
    of: (both) => both[language],
    // A day has no time zone: it is written as the day that it names.
    day: (iso) => new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" }).format(new Date(iso)),
  };
}
