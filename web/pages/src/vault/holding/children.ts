// Which child a credential is about (docs/accounts.md, Guardians): what names a child has the commitment to its number, and maybe
// its secret, which is the same in all of them. Both stay here: screens are told a number that tells children apart, and a name
// where a credential of the same child says one.

import { hex } from "../../../../prover/src/bbs/octets.js";
import { valueOf } from "../../../../prover/src/disclosure/schema.js";
import type { ChildView } from "../model.js";
import type { HeldComposite } from "../parts.js";
import { safe } from "../telling/saying.js";

const COMMIT = "child_id";
const SECRET = "child_secret";
const NAME = "child_name";

type Read = Pick<HeldComposite, "id" | "credential">;

/** The child of each credential that is about one, by the credential's identifier. `held` is in the order in which they came. */
export function childrenOf(held: readonly Read[]): ReadonlyMap<string, ChildView> {
  const groups: { marks: Set<string>; members: Read[] }[] = [];
  for (const each of held) {
    const marks = marksOf(each);
    if (marks.length === 0) continue;
    // A credential may join what nothing had tied together before.
    const tied = groups.filter((group) => marks.some((mark) => group.marks.has(mark)));
    const into = tied[0] ?? { marks: new Set<string>(), members: [] };
    for (const other of tied.slice(1)) {
      other.marks.forEach((mark) => into.marks.add(mark));
      into.members.push(...other.members);
      groups.splice(groups.indexOf(other), 1);
    }
    marks.forEach((mark) => into.marks.add(mark));
    into.members.push(each);
    if (tied.length === 0) groups.push(into);
  }
  return new Map(groups.flatMap(({ members }, at) => {
    const child: ChildView = { id: String(at + 1), name: members.map(nameOf).find((name) => name !== null) ?? null };
    return members.map(({ id }) => [id, child] as const);
  }));
}

function marksOf({ credential }: Read): readonly string[] {
  return [COMMIT, SECRET].flatMap((attribute) => {
    const value = valueOf(credential.values, attribute);
    return value instanceof Uint8Array ? [`${attribute} ${hex(value)}`] : [];
  });
}

function nameOf({ credential }: Read): string | null {
  const name = valueOf(credential.values, NAME);
  return typeof name === "string" && name !== "" ? safe(name) : null;
}
