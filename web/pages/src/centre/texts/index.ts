// The resource centre's own texts: other pages do not load them.
import { textFrom } from "../../messages/index.js";
import { type Language, useSettings } from "../../ui/settings.js";
import type { Both } from "../books.js";
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
  /** The text for a word of the service's; the word itself where there is none. */
  readonly word: (said: string) => string;
  readonly number: (value: number) => string;
  /** Of a part, 1 being the whole. */
  readonly percent: (part: number) => string;
  readonly day: (iso: string) => string;
  /** Of a day by itself, which is the same one wherever the page is read. */
  readonly date: (iso: string) => string;
}

/** The texts in the language that is chosen now, and how words, numbers and days are written in it. */
export function useTexts(): Told {
  const { language } = useSettings();
  const text: Text = textFrom(TABLES[language]);
  const locale = language === "zh" ? "zh-CN" : "en-GB";
  return {
    text,
    language,
    of: (both) => both[language],
    word: (said) => (`word.${said}` in en ? text(`word.${said}` as Key) : said),
    number: (value) => new Intl.NumberFormat(locale).format(value),
    percent: (part) => new Intl.NumberFormat(locale, { style: "percent" }).format(part),
    day: (iso) => (iso ? new Intl.DateTimeFormat(locale, { dateStyle: "medium" }).format(new Date(iso)) : "–"),
    date: (iso) => new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" }).format(new Date(iso)),
  };
}
