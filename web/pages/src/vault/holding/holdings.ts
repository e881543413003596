// What the vault holds: credentials of both forms and the holder's secret, in the sealed store (prover/composite/vault.py).
// A witness is replaced only by one for a newer epoch.

import type { Epoch, MembershipWitness } from "../../../../prover/src/accumulator/list.js";
import { civilDay } from "../../../../prover/src/disclosure/key.js";
import { valueOf } from "../../../../prover/src/disclosure/schema.js";
import { VaultError } from "../fault.js";
import { keptSecret } from "../identity.js";
import type { ChildView, CredentialView } from "../model.js";
import type { HeldComposite, Opened, Standing } from "../parts.js";
import type { Held, HeldPlainOne, Holdings } from "../showing/holdings.js";
import type { Draft } from "../store/store.js";
import { dateText, plain, valueText } from "../telling/saying.js";
import { childrenOf } from "./children.js";
import { COMPOSITE, compositeOctets, compositeOf, PLAIN, plainOctets, plainOf } from "./records.js";
import { trustedIn } from "./regulators.js";

type Reading = Pick<Draft, "get" | "list">;

export class KeptHoldings implements Holdings {
  constructor(private readonly opened: Opened) {}

  held(): Promise<Held> {
    return this.opened.store.read(async (draft) => ({
      secret: await keptSecret(draft),
      composite: await compositeIn(draft),
      plain: await plainIn(draft),
      regulators: await trustedIn(draft),
    }));
  }

  keepWitness(id: string, witness: MembershipWitness, epoch: Epoch): Promise<void> {
    return this.#stand(id, (standing) =>
      epoch.number < standing.epoch.number ? standing : { ...standing, witness, epoch });
  }

  markRevoked(id: string): Promise<void> {
    return this.#stand(id, (standing) => ({ ...standing, revoked: true }));
  }

  /** Bring the witnesses of all that are not revoked to the newest epochs; what is revoked is written down. */
  async catchUp(): Promise<void> {
    for (const { id, standing } of (await this.held()).composite) {
      if (standing === null || standing.revoked) continue;
      const found = await this.opened.reader.caughtUp(standing.list, standing.witness);
      if (found === null) await this.markRevoked(id);
      else await this.keepWitness(id, found.witness, found.epoch);
    }
  }

  /** All of them, by department, the newest first in each. */
  async views(): Promise<readonly CredentialView[]> {
    const { composite, plain: plainOnes } = await this.held();
    const children = childrenOf(composite);
    const views: CredentialView[] = [];
    for (const each of [...composite, ...plainOnes]) views.push(await this.#view(each, children));
    return views.sort((one, other) =>
      one.department < other.department ? -1 : one.department > other.department ? 1 : other.received - one.received);
  }

  /** One; VaultError CREDENTIAL_NOT_FOUND. */
  async view(id: string): Promise<CredentialView> {
    const { composite, plain: plainOnes } = await this.held();
    const found = [...composite, ...plainOnes].find((each) => each.id === id);
    if (found === undefined) throw missing();
    return this.#view(found, childrenOf(composite));
  }

  /** Forget one; VaultError CREDENTIAL_NOT_FOUND. */
  remove(id: string): Promise<void> {
    return this.opened.store.change(async (draft) => {
      const kinds = await Promise.all([COMPOSITE, PLAIN].map(async (kind) =>
        ((await draft.get({ kind, name: id })) === null ? [] : [kind])));
      const [kind] = kinds.flat();
      if (kind === undefined) throw missing();
      draft.remove({ kind, name: id });
    });
  }

  async #view(held: HeldComposite | HeldPlainOne, children: ReadonlyMap<string, ChildView>): Promise<CredentialView> {
    const { id, credential, schema, received } = held;
    const department = `departments/${schema.name.department}`;
    return {
      id,
      form: "standing" in held ? "composite" : "plain",
      department,
      departmentName: plain(await this.opened.reader.departmentName(department)),
      title: plain(schema.displayName),
      attributes: schema.attributes.map((each) => {
        const value = valueOf(credential.values, each.id);
        return { name: plain(each.displayName), value: value === undefined ? null : valueText(each, value) };
      }),
      lastDay: dateText(credential.expiry).en,
      expired: credential.expiry.number < civilDay(this.opened.now()),
      revoked: "standing" in held && held.standing !== null && held.standing.revoked,
      received,
      child: children.get(id) ?? null,
    };
  }

  #stand(id: string, changed: (standing: Standing) => Standing): Promise<void> {
    return this.opened.store.change(async (draft) => {
      const record = await draft.get({ kind: COMPOSITE, name: id });
      if (record === null) throw missing();
      const held = compositeOf(id, record);
      if (held.standing !== null) putComposite(draft, { ...held, standing: changed(held.standing) });
    });
  }
}

/**
 * Keep a credential that was checked, within a use case; returns its identifier, which is that of the same octets if they are
 * held already. VaultError SCHEMA_CHANGED if the vault knows another schema of that name.
 */
export async function addComposite(draft: Draft, made: HeldComposite): Promise<string> {
  for (const each of await compositeIn(draft)) {
    if (sameSchema(each, made) && same(each.credential.toBytes(each.schema), made.credential.toBytes(made.schema))) return each.id;
  }
  putComposite(draft, made);
  return made.id;
}

/** The same of the plain form. */
export async function addPlain(draft: Draft, made: HeldPlainOne): Promise<string> {
  for (const each of await plainIn(draft)) {
    if (sameSchema(each, made) && same(each.credential.toBytes(each.schema), made.credential.toBytes(made.schema))) return each.id;
  }
  draft.put({ kind: PLAIN, name: made.id }, plainOctets(made));
  return made.id;
}

const putComposite = (draft: Draft, held: HeldComposite): void =>
  draft.put({ kind: COMPOSITE, name: held.id }, compositeOctets(held));

const compositeIn = async (draft: Reading): Promise<HeldComposite[]> =>
  inOrder((await draft.list(COMPOSITE)).map(({ name, value }) => compositeOf(name, value)));

const plainIn = async (draft: Reading): Promise<HeldPlainOne[]> =>
  inOrder((await draft.list(PLAIN)).map(({ name, value }) => plainOf(name, value)));

/** In the order in which they came. */
function inOrder<T extends { readonly received: number; readonly id: string }>(all: T[]): T[] {
  return all.sort((one, other) => one.received - other.received || (one.id < other.id ? -1 : 1));
}

type Read = Pick<HeldComposite, "schema">;

function sameSchema({ schema: one }: Read, { schema: other }: Read): boolean {
  if (one.name.text !== other.name.text) return false;
  if (same(one.canonical, other.canonical)) return true;
  throw new VaultError("SCHEMA_CHANGED", "the vault knows another schema of this name");
}

/** Not in constant time: both are this vault's own, and nobody measures it. */
const same = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && one.every((each, at) => each === other[at]);

const missing = (): VaultError => new VaultError("CREDENTIAL_NOT_FOUND", "the vault has no such credential");
