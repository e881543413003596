// What a vault keeps of errands (prover/errands/records.py, prover/errands/vault.py): each one's ticket, its uses and its
// events; and what its holder declared. Two orders make a crash harmless. The request_id is stored before an errand is begun,
// so that the same errand is found again. All uses of a submission, the values that were declared in it, and the very call
// that goes out are stored in one transaction before it goes.

import { Day } from "../../../../prover/src/disclosure/attributes.js";
import { type Decoded, decode, encode, type Item } from "../../../../prover/src/disclosure/canonical.js";
import { list, octets, orNull, small, text, texts, whole } from "../../../../prover/src/disclosure/reading.js";
import { hex } from "../../ledger/encoding.js";
import { VaultError } from "../fault.js";
import { newId } from "../showing/events.js";
import { StoreError } from "../store/errors.js";
import type { Draft } from "../store/store.js";
import { type Counter, ErrandBundle, type FormField, type FormValue, type FormValues } from "./bundle.js";
import { ERRAND } from "./links.js";

const DECLARED = "declared";
const LABEL = "zk-disclosure/web-errand/v1";
const DECLARED_LABEL = "zk-disclosure/web-declared/v1";
const MAX_OCTETS = 1 << 21;
/** What the ticket of an errand is written with, and its identifier. */
const TOKEN = /^[A-Za-z0-9_-]{1,200}$/;
const COLLECTION = "errands/";

/** How far an errand has come in the vault: begun, submitted, or over and done with. */
export const STAGES = ["begun", "submitted", "ended"] as const;
export type Stage = (typeof STAGES)[number];

/** An errand's name at its service, and the secret that everything about it is done with. */
export interface Ticket {
  /** "errands/...". */
  readonly errand: string;
  readonly ticket: string;
}

/** A use that answered one part, and the event of the submission that it went out with. */
export interface PartUse {
  readonly part: string;
  readonly usage: string;
  readonly submission: string;
}

export interface HeldErrand {
  /** 32 hexadecimal digits. */
  readonly id: string;
  /** host:port of the service that it is at. */
  readonly server: string;
  /** The one that it was begun with, stored before it was sent. */
  readonly requestId: string;
  readonly bundle: ErrandBundle;
  /** When it was begun, milliseconds. */
  readonly begun: number;
  readonly stage: Stage;
  /** Once the service has answered. */
  readonly ticket: Ticket | null;
  /** In the order in which their parts went out. */
  readonly uses: readonly PartUse[];
  /** The last that the service has told of it, zkproto.v1.Errand without what is asked; empty before. */
  readonly told: Uint8Array;
}

/** A ticket as a service gives it; VaultError ANSWER_INVALID. */
export function ticketOf(errand: string, ticket: string): Ticket {
  const id = errand.startsWith(COLLECTION) ? errand.slice(COLLECTION.length) : "";
  if (TOKEN.test(id) && TOKEN.test(ticket)) return { errand, ticket };
  throw new VaultError("ANSWER_INVALID", "the service named no errand");
}

/** An errand's link (disclosure/links.py): the vault's own, which it writes into its notes and hands to nobody. */
export function errandLink(server: string, { errand, ticket }: Ticket): string {
  return `zk://errand?server=${encodeURIComponent(server)}&id=${errand.slice(COLLECTION.length)}&secret=${ticket}`;
}

export function putErrand(draft: Draft, errand: HeldErrand): HeldErrand {
  draft.put({ kind: ERRAND, name: errand.id }, errandOctets(errand));
  return errand;
}

export function removeErrand(draft: Draft, { id }: HeldErrand): void {
  draft.remove({ kind: ERRAND, name: id });
}

export function errandOctets({ server, requestId, bundle, begun, stage, ticket, uses, told }: HeldErrand): Uint8Array {
  const secret: Item = ticket === null ? null : [ticket.errand, ticket.ticket];
  const parts = uses.map(({ part, usage, submission }): Item => [part, usage, submission]);
  return encode(LABEL, server, requestId, bundle.canonical, begun, stage, secret, parts, told);
}

/** Decode what `errandOctets` gives; StoreError VAULT_DAMAGED. */
export function errandOf(id: string, record: Uint8Array): HeldErrand {
  return reading(() => {
    const [server, requestId, bundle, begun, stage, ticket, uses, told] = list(decode(LABEL, record, MAX_OCTETS), damaged, 8);
    const known = STAGES.find((each) => each === stage);
    if (known === undefined) throw damaged();
    return {
      id,
      server: text(server, damaged),
      requestId: text(requestId, damaged),
      bundle: ErrandBundle.fromBytes(octets(bundle, damaged)),
      begun: small(begun, damaged),
      stage: known,
      ticket: orNull(ticket, damaged, (item) => {
        const [errand, secret] = texts(list(item, damaged, 2), damaged);
        return ticketOf(errand as string, secret as string);
      }),
      uses: list(uses, damaged).map((each) => {
        const [part, usage, submission] = texts(list(each, damaged, 3), damaged);
        return { part: part as string, usage: usage as string, submission: submission as string };
      }),
      told: octets(told, damaged),
    };
  });
}

/** All of them in the order in which they were begun. StoreError VAULT_DAMAGED. */
export async function errandsIn(draft: Pick<Draft, "list">): Promise<readonly HeldErrand[]> {
  const found = (await draft.list(ERRAND)).map(({ name, value }) => errandOf(name, value));
  return found.sort((one, other) => one.begun - other.begun || (one.id < other.id ? -1 : 1));
}

/** One; VaultError ERRAND_NOT_FOUND. */
export async function errandIn(draft: Pick<Draft, "get">, id: string): Promise<HeldErrand> {
  const stored = await draft.get({ kind: ERRAND, name: id });
  if (stored === null) throw new VaultError("ERRAND_NOT_FOUND", "the vault has no such errand");
  return errandOf(id, stored);
}

/** Store an errand before it is begun; one of the bundle that never was answered is gone on with. */
export async function beginErrand(draft: Draft, server: string, bundle: ErrandBundle, now: number): Promise<HeldErrand> {
  const isSame = (each: HeldErrand): boolean =>
    each.ticket === null && each.server === server && hex(each.bundle.canonical) === hex(bundle.canonical);
  const before = (await errandsIn(draft)).find(isSame);
  const begun = { stage: "begun", ticket: null, uses: [], told: new Uint8Array() } as const;
  return before ?? putErrand(draft, { id: newId(), server, requestId: crypto.randomUUID(), bundle, begun: now, ...begun });
}

/** Change one within a use case. VaultError ERRAND_NOT_FOUND. */
export async function changeErrand(
  draft: Draft, id: string, change: (errand: HeldErrand) => Partial<Omit<HeldErrand, "id">>,
): Promise<HeldErrand> {
  const errand = await errandIn(draft, id);
  return putErrand(draft, { ...errand, ...change(errand) });
}

/** What was declared last for the fields of a form, in whichever errand that was. StoreError VAULT_DAMAGED. */
export async function declaredBefore(draft: Pick<Draft, "get">, { fields }: Counter): Promise<FormValues> {
  const found = new Map<string, FormValue>();
  for (const field of fields) {
    const record = await draft.get(placeOf(field));
    if (record !== null) found.set(field.id, declaredOf(record));
  }
  return found;
}

/** Remember what is declared: the default of every form that asks the same thing. */
export function putDeclared(draft: Draft, { fields }: Counter, values: FormValues, now: number): void {
  for (const field of fields) {
    const value = values.get(field.id);
    if (value !== undefined) draft.put(placeOf(field), declaredOctets(value, now));
  }
}

const placeOf = (field: FormField) => ({ kind: DECLARED, name: hex(field.sameEverywhere) });

export function declaredOctets(value: FormValue, time: number): Uint8Array {
  const isDay = value instanceof Day;
  return encode(DECLARED_LABEL, time, isDay, isDay ? value.number : value);
}

/** Decode what `declaredOctets` gives; StoreError VAULT_DAMAGED. */
export function declaredOf(record: Uint8Array): FormValue {
  return reading(() => {
    const [time, isDay, value] = list(decode(DECLARED_LABEL, record), damaged, 3);
    small(time, damaged);
    if (isDay === true) return new Day(small(value, damaged));
    if (isDay !== false) throw damaged();
    return typeof value === "string" ? value : whole(value as Decoded | undefined, damaged);
  });
}

/** Whatever a constructor refuses was not written by a vault. */
function reading<T>(work: () => T): T {
  try {
    return work();
  } catch {
    throw damaged();
  }
}

const damaged = (): StoreError => new StoreError("VAULT_DAMAGED", "what is kept of an errand is none");
