// One line of a consent screen, as Python has it (prover/consent.py), and as the vault's screens take it.

import type { Line, Text } from "../model.js";

export type Style =
  | "heading" | "fact" | "section" | "revealed" | "proven" | "escrowed" | "pseudonym" | "hidden";

/** A line with its whole text, which may hold values and is as secret as they are. */
export interface Said {
  readonly style: Style;
  readonly text: Text;
  /** Of a value that is shown: what it is a value of, and the value. */
  readonly shown: { readonly name: Text; readonly value: Text } | null;
  /** It stands over others and says only what their styles say. */
  readonly over: boolean;
}

/** A line. */
export function said(style: Style, text: Text): Said {
  return { style, text, shown: null, over: style === "section" || style === "heading" };
}

/** A line that stands over others. */
export function over(text: Text): Said {
  return { style: "fact", text, shown: null, over: true };
}

const KINDS = {
  heading: "fact", section: "fact", fact: "fact", revealed: "shown", proven: "proven", escrowed: "escrowed",
  pseudonym: "linked", hidden: "hidden",
} as const;

/** Lines for the screens, which have headings of their own. */
export function linesOf(all: readonly Said[]): readonly Line[] {
  return all.filter((each) => !each.over).map(({ style, text, shown }) => (
    { kind: KINDS[style], text: shown?.name ?? text, value: shown?.value ?? null }));
}
