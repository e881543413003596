// Sums as a table has them: a row for each that they are told apart by, a column for each thing that was counted.
import type { Sum } from "./books.js";

/** What is counted, in the order in which it happens to an attestation; others come after these. */
const KINDS = [
  "offered",
  "claimed",
  "revoked",
  "asked",
  "answered",
  "declined",
  "expired",
  "over_asked",
  "opened",
  "submitted",
  "overdue",
];

export interface Line {
  readonly of: string;
  readonly counts: ReadonlyMap<string, number>;
}

export interface Counts {
  readonly kinds: readonly string[];
  readonly lines: readonly Line[];
  readonly greatest: number;
}

/** Put sums together; only of these kinds, where they are given. */
export function counted(sums: readonly Sum[], only?: readonly string[]): Counts {
  const wanted = only ? sums.filter((each) => only.includes(each.kind)) : sums;
  const lines = new Map<string, Map<string, number>>();
  for (const { kind, of, count } of wanted) {
    const line = lines.get(of) ?? new Map<string, number>();
    lines.set(of, line.set(kind, (line.get(kind) ?? 0) + count));
  }
  const there = new Set(wanted.map((each) => each.kind));
  const known = KINDS.filter((each) => there.has(each));
  return {
    kinds: only ?? [...known, ...[...there].filter((each) => !KINDS.includes(each)).sort()],
    lines: [...lines].map(([of, counts]) => ({ of, counts })),
    greatest: Math.max(0, ...wanted.map((each) => each.count)),
  };
}

/** The day that it is in the cities, YYYY-MM-DD, so many days from now. */
export function cityDay(from: number): string {
  const then = new Date(Date.now() + from * 86_400_000);
  return new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Shanghai", dateStyle: "short" }).format(then);
}
