// Which child a credential is about (docs/accounts.md, Guardians): what names a child has the commitment to its number, and maybe
// its secret, which is the same in all of them. Both stay here: screens are told a number that tells children apart, and a name
// where a credential of the department says one that named the child first.

import { hex } from "../../../../prover/src/bbs/octets.js";
import { valueOf } from "../../../../prover/src/disclosure/schema.js";
import type { ChildView } from "../model.js";
import type { HeldComposite } from "../parts.js";
import { safe } from "../telling/saying.js";

const COMMIT = "child_id";
const SECRET = "child_secret";
const NAME = "child_name";

type Read = Pick<HeldComposite, "id" | "credential" | "issuerKey">;

interface Group {
  /** The department whose credential was the first of this child: others' names for it are not believed. */
  readonly department: string;
  readonly members: Read[];
}

/**
 * The child of each credential that is about one, by the credential's identifier. `held` is in the order in which they came. A
 * child is told by its number. Its secret, which a department may write into anything, only says whose a credential is that has
 * no number, where there is one such child.
 */
export function childrenOf(held: readonly Read[]): ReadonlyMap<string, ChildView> {
  const byNumber = new Map<string, Group>();
  const bySecret = new Map<string, Group>();
  for (const each of held) {
    const [number, secret] = [markOf(each, COMMIT), markOf(each, SECRET)];
    if (number !== null) added(byNumber, number, each);
    else if (secret !== null) added(bySecret, secret, each);
  }
  const groups: Group[] = [...byNumber.values()];
  for (const [secret, alone] of bySecret) {
    const known = groups.filter(({ members }) => members.some((each) => markOf(each, COMMIT) && markOf(each, SECRET) === secret));
    if (known.length === 1) known[0]?.members.push(...alone.members);
    else groups.push(alone);
  }
  const place = ({ members }: Group): number => Math.min(...members.map((each) => held.indexOf(each)));
  groups.sort((one, other) => place(one) - place(other));
  return new Map(groups.flatMap(({ department, members }, at) => {
    const names = members.filter(({ issuerKey }) => issuerKey.name.department === department).map(nameOf);
    const child: ChildView = { id: String(at + 1), name: names.find((name) => name !== null) ?? null };
    return members.map(({ id }) => [id, child] as const);
  }));
}

function added(groups: Map<string, Group>, mark: string, each: Read): void {
  const group = groups.get(mark) ?? { department: each.issuerKey.name.department, members: [] };
  group.members.push(each);
  groups.set(mark, group);
}

function markOf({ credential }: Read, attribute: string): string | null {
  const value = valueOf(credential.values, attribute);
  return value instanceof Uint8Array ? hex(value) : null;
}

function nameOf({ credential }: Read): string | null {
  const name = valueOf(credential.values, NAME);
  return typeof name === "string" && name !== "" ? safe(name) : null;
}
