// Uses in the vault: what was asked, what was shown and proven, how it ended (prover/usages.py). A use is stored before it
// goes out, with the very message that goes out: what is sent again is that, octet for octet.

import { LocalizedText } from "../../../../prover/src/disclosure/attributes.js";
import { CompositeRequest, isComposite } from "../../../../prover/src/composite/request.js";
import { type Decoded, decode, encode, type Item } from "../../../../prover/src/disclosure/canonical.js";
import { list, octets, orNull, small, text, texts, whole } from "../../../../prover/src/disclosure/reading.js";
import type { SignedRequest } from "../../../../prover/src/disclosure/request_frame.js";
import { Schema } from "../../../../prover/src/disclosure/schema.js";
import { PlainRequest } from "../../../../prover/src/plain/request.js";
import { hex } from "../../ledger/encoding.js";
import { parseVerifier, type Verifier, verifierText } from "../../ledger/keys.js";
import { VaultError } from "../fault.js";
import { StoreError } from "../store/errors.js";
import type { Draft } from "../store/store.js";
import { NOTE_OCTETS } from "./notes.js";
import { type Presented, presentedOf, type Schemas } from "./presented.js";

export const USAGE = "usage";
const LABEL = "zk-disclosure/web-usage/v1";
const MAX_OCTETS = 1 << 22;

/** Perhaps sent; answered with a receipt that holds; refused for good. What was sent may have been seen, whatever is said. */
export type UsageState = "sent" | "answered" | "refused";

/** What a use of the composite form is told by, so that it can be told years later without asking anybody. */
export interface Facts {
  /** Whose a list is, and which of its codes were possible, by its digest in hexadecimal digits. */
  readonly lists: ReadonlyMap<string, { readonly owner: string; readonly codes: readonly string[] }>;
  /** Who a regulator is, by the digest of its key. */
  readonly regulators: ReadonlyMap<
    string, { readonly name: string; readonly displayName: LocalizedText; readonly digest: Uint8Array }
  >;
  /** When an epoch was, seconds, by `epochName`. */
  readonly epochs: ReadonlyMap<string, number>;
  /** Departments' names for people, by their own. */
  readonly departments: ReadonlyMap<string, LocalizedText>;
}

export interface Usage {
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly state: UsageState;
  /** When it was stored, milliseconds. */
  readonly time: number;
  /** host:port of the service that it is sent to. */
  readonly server: string;
  readonly verifierName: LocalizedText;
  readonly signed: SignedRequest;
  readonly request: CompositeRequest | PlainRequest;
  /** Its canonical octets, and what they say. */
  readonly canonical: Uint8Array;
  readonly presented: Presented;
  readonly schemas: Schemas;
  readonly facts: Facts;
  /** zkproto.v1.SubmitPresentationRequest; empty of a part of an errand, which goes out with all of it in one event. */
  readonly message: Uint8Array;
  /** Sealed, as it goes out: 1,024 octets. */
  readonly holderNote: Uint8Array;
  /** There when it was answered. */
  readonly receipt: Receipt | null;
  /** The service's, when it was refused. */
  readonly reason: string | null;
  /** The standing consent that it was answered under, by its record; null where the person was asked. */
  readonly consent: string | null;
}

/**
 * A receipt's octets, and the log's key that it held under when it came. A log's key changes over the years, and that of
 * then is still the one that signed.
 */
export interface Receipt {
  readonly octets: Uint8Array;
  readonly log: Verifier;
}

/** A receipt for storage, null for none. */
export const receiptItem = (receipt: Receipt | null): Item =>
  receipt === null ? null : [receipt.octets, verifierText(receipt.log)];

/** Decode what `receiptItem` gives; what `refuse` makes, and LedgerError. */
export function receiptFrom(item: Decoded | undefined, refuse: () => Error): Receipt | null {
  if (item === null) return null;
  const [receipt, log] = list(item, refuse, 2);
  return { octets: octets(receipt, refuse), log: parseVerifier(text(log, refuse)) };
}

/** An epoch among `Facts`. */
export const epochName = (accumulator: Uint8Array, number: bigint): string => `${hex(accumulator)} ${number}`;

export function usageOctets(usage: Usage): Uint8Array {
  const { state, time, server, verifierName, signed, canonical, schemas, facts, message, holderNote, consent } = usage;
  return encode(
    LABEL, state, time, server, verifierName.items(), signed.payload, signed.signature, canonical, schemaItems(schemas),
    factItems(facts),
    message, holderNote, receiptItem(usage.receipt), usage.reason, ...(consent === null ? [] : [consent]),
  );
}

/** Schemas for storage, in the order of their names. */
export const schemaItems = (schemas: Schemas): Item =>
  [...schemas.keys()].sort().map((name) => (schemas.get(name) as Schema).canonical);

/** Decode what `schemaItems` gives; what `refuse` makes, and MalformedError. */
export function schemasFrom(item: Decoded | undefined, refuse: () => Error): Schemas {
  return new Map(list(item, refuse).map((each) => {
    const schema = Schema.fromBytes(octets(each, refuse));
    return [schema.name.text, schema] as const;
  }));
}

export function factItems({ lists, regulators, epochs, departments }: Facts): Item {
  return [
    [...lists].map(([digest, { owner, codes }]): Item => [digest, owner, codes]),
    [...regulators].map(([name, each]): Item => [name, each.name, each.displayName.items(), each.digest]),
    [...epochs].map(([name, time]): Item => [name, time]),
    [...departments].map(([name, text]): Item => [name, text.items()]),
  ];
}

/** Decode what `usageOctets` gives; StoreError VAULT_DAMAGED. */
export function usageOf(id: string, stored: Uint8Array): Usage {
  try {
    return read(id, stored);
  } catch {
    throw damaged();
  }
}

function read(id: string, stored: Uint8Array): Usage {
  const items = list(decode(LABEL, stored, MAX_OCTETS), damaged);
  if (items.length !== 13 && items.length !== 14) throw damaged(); // the last stands there under a consent alone
  const [state, time, server, name, payload, signature, canonical, schemas, facts, message, note, ...ended] = items;
  const [receipt, reason, consent] = ended;
  const signed = { payload: octets(payload, damaged), signature: octets(signature, damaged) };
  const known = schemasFrom(schemas, damaged);
  const composite = isComposite(signed.payload);
  const usage: Usage = {
    id,
    state: stateOf(state),
    time: small(time, damaged),
    server: text(server, damaged),
    verifierName: LocalizedText.of(name, damaged),
    signed,
    request: requestOf(signed),
    canonical: octets(canonical, damaged),
    presented: presentedOf(octets(canonical, damaged), composite, known),
    schemas: known,
    facts: factsFrom(facts, damaged),
    message: octets(message, damaged),
    holderNote: octets(note, damaged),
    receipt: receiptFrom(receipt, damaged),
    reason: orNull(reason, damaged, text),
    consent: consent === undefined ? null : text(consent, damaged),
  };
  if (usage.holderNote.length !== NOTE_OCTETS) throw damaged();
  if ((usage.receipt !== null) !== (usage.state === "answered")) throw damaged();
  if ((usage.reason !== null) !== (usage.state === "refused")) throw damaged();
  return usage;
}

/** A request of either form, whose signature was checked when it came. MalformedError. */
export function requestOf({ payload }: SignedRequest): CompositeRequest | PlainRequest {
  return isComposite(payload) ? CompositeRequest.fromBytes(payload) : PlainRequest.fromBytes(payload);
}

function stateOf(item: Decoded | undefined): UsageState {
  if (item === "sent" || item === "answered" || item === "refused") return item;
  throw damaged();
}

/** Decode what `factItems` gives; what `refuse` makes. */
export function factsFrom(item: Decoded | undefined, refuse: () => Error): Facts {
  const [lists, regulators, epochs, departments] = list(item, refuse, 4);
  const each = <Value>(all: Decoded | undefined, size: number, made: (parts: Decoded[]) => Value) =>
    new Map(list(all, refuse).map((one) => {
      const parts = list(one, refuse, size);
      return [text(parts[0], refuse), made(parts)] as const;
    }));
  return {
    lists: each(lists, 3, ([, owner, codes]) => ({ owner: text(owner, refuse), codes: texts(codes, refuse) })),
    regulators: each(regulators, 4, ([, name, called, digest]) => ({
      name: text(name, refuse), displayName: LocalizedText.of(called, refuse), digest: octets(digest, refuse),
    })),
    epochs: each(epochs, 2, ([, time]) => Number(whole(time, refuse))),
    departments: each(departments, 2, ([, called]) => LocalizedText.of(called, refuse)),
  };
}

/** All uses in the order of their time. StoreError VAULT_DAMAGED. */
export async function usagesIn(draft: Pick<Draft, "list">): Promise<Usage[]> {
  const found = (await draft.list(USAGE)).map(({ name, value }) => usageOf(name, value));
  return found.sort((one, other) => one.time - other.time || (one.id < other.id ? -1 : 1));
}

/** One use; VaultError USAGE_NOT_FOUND. */
export async function usageIn(draft: Pick<Draft, "get">, id: string): Promise<Usage> {
  const stored = await draft.get({ kind: USAGE, name: id });
  if (stored === null) throw new VaultError("USAGE_NOT_FOUND", "the vault has no such use");
  return usageOf(id, stored);
}

export function putUsage(draft: Draft, usage: Usage): void {
  draft.put({ kind: USAGE, name: usage.id }, usageOctets(usage));
}

/** Whether a use answered a part of an errand: its event sends it. */
export const isPart = ({ message }: Usage): boolean => message.length === 0;

/** How a use ended: with a receipt that holds, or with the service's reason. */
export type Ending = { readonly receipt: Receipt } | { readonly reason: string };

/** Write down how a use ended. A receipt that is stored stays, and takes the place of a refusal. VaultError USAGE_NOT_FOUND. */
export async function finishUsage(draft: Draft, id: string, ending: Ending): Promise<Usage> {
  const usage = await usageIn(draft, id);
  if (usage.state === "answered") return usage;
  const ended: Usage = "receipt" in ending
    ? { ...usage, state: "answered", receipt: ending.receipt, reason: null }
    : { ...usage, state: "refused", receipt: null, reason: ending.reason };
  putUsage(draft, ended);
  return ended;
}

function damaged(): StoreError {
  return new StoreError("VAULT_DAMAGED", "a use in the vault is none");
}
