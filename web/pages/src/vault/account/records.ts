// The vault's accounts in the sealed store (prover/accounts.py). A key is stored before anything is sent, so that a
// registration that broke off is gone on with under the same key; once it is registered an older key of the same account is
// forgotten, since it is nobody's any more. Of several accounts at a service, as a person's and a company's, the newest counts;
// what was stored for another is still sent with that one's key.

import { decode, encode } from "../../../../prover/src/disclosure/canonical.js";
import { list, octets, small, text } from "../../../../prover/src/disclosure/reading.js";
import type { SubjectKind } from "../model.js";
import { newId } from "../showing/events.js";
import { StoreError } from "../store/errors.js";
import type { Draft } from "../store/store.js";
import { SEED_OCTETS } from "./keys.js";

const KIND = "account";
const LABEL = "zk-disclosure/web-account/v1";

export interface Account {
  readonly id: string;
  /** host:port of the service that it is at. */
  readonly server: string;
  readonly department: string;
  readonly code: string;
  readonly kind: SubjectKind;
  /** The owner's ID number or the company's code. */
  readonly number: string;
  readonly seed: Uint8Array;
  /** "accounts/...", "" until it is registered. */
  readonly name: string;
  /** When it was registered, milliseconds; 0 until then. */
  readonly registered: number;
}

/** Whose account, at which service, by which code: the same is gone on with under the same key. */
export type Wanted = Omit<Account, "id" | "seed" | "name" | "registered">;

const damaged = () => new StoreError("VAULT_DAMAGED", "what is kept of an account is none");

export async function accountsIn(draft: Pick<Draft, "list">): Promise<readonly Account[]> {
  return (await draft.list(KIND)).map(({ name, value }) => accountOf(name, value));
}

/** The newest registered account at a service, or null. */
export async function accountAt(draft: Pick<Draft, "list">, server: string): Promise<Account | null> {
  const own = (await accountsIn(draft)).filter((each) => each.server === server && each.name !== "");
  return own.reduce<Account | null>((one, other) => (one !== null && one.registered >= other.registered ? one : other), null);
}

/** Store a fresh key before it is sent; what is under way for the same is gone on with. */
export async function beginAccount(draft: Draft, wanted: Wanted): Promise<Account> {
  const before = (await accountsIn(draft)).find((each) => isSame(each, wanted));
  return before ?? put(draft, {
    ...wanted, id: newId(), seed: crypto.getRandomValues(new Uint8Array(SEED_OCTETS)), name: "", registered: 0,
  });
}

/** Write down the name under which an account's key was registered. */
export async function finishAccount(draft: Draft, { id, server }: Account, name: string, registered: number): Promise<void> {
  for (const each of await accountsIn(draft)) {
    if (each.id === id) put(draft, { ...each, name, registered });
    else if (each.server === server && each.name === name) draft.remove({ kind: KIND, name: each.id });
  }
}

/** Forget a key that the service has refused to register; a registered one stays. */
export async function forgetAccount(draft: Draft, { id }: Account): Promise<void> {
  const found = (await accountsIn(draft)).find((each) => each.id === id);
  if (found?.name === "") draft.remove({ kind: KIND, name: id });
}

function isSame(one: Wanted, other: Wanted): boolean {
  const parts = ["server", "department", "code", "kind", "number"] as const;
  return parts.every((part) => one[part] === other[part]);
}

function put(draft: Draft, account: Account): Account {
  const { id, server, department, code, kind, number, seed, name, registered } = account;
  draft.put({ kind: KIND, name: id }, encode(LABEL, server, department, code, kind, number, seed, name, registered));
  return account;
}

function accountOf(id: string, record: Uint8Array): Account {
  try {
    const [server, department, code, kind, number, seed, name, registered] = list(decode(LABEL, record), damaged, 8);
    if (kind !== "person" && kind !== "company") throw damaged();
    const key = octets(seed, damaged);
    if (key.length !== SEED_OCTETS) throw damaged();
    const [at, by] = [text(server, damaged), text(department, damaged)];
    const about = { code: text(code, damaged), number: text(number, damaged), name: text(name, damaged) };
    return { id, server: at, department: by, kind, seed: key, registered: small(registered, damaged), ...about };
  } catch {
    throw damaged();
  }
}
