// Standing consents in the sealed store (prover/standing.py): what was granted, what was answered under it, and when it ended.
// The vault holds a verifier to the terms by itself: what the service lets through beyond them is refused here. A consent is stored
// with the event that tells of it, in one use case and before that is sent; an answer under it is counted in the use case that
// stores the answer.

import { fromBinary } from "@bufbuild/protobuf";

import { equal } from "../../../../prover/src/bbs/octets.js";
import { LocalizedText } from "../../../../prover/src/disclosure/attributes.js";
import { type Decoded, decode, encode, MAX_OCTETS } from "../../../../prover/src/disclosure/canonical.js";
import { RefusedError } from "../../../../prover/src/disclosure/errors.js";
import { list, octets, orNull, small, text } from "../../../../prover/src/disclosure/reading.js";
import { CLOCK_TOLERANCE } from "../../../../prover/src/disclosure/request_frame.js";
import { type SignedTerms, type StandingTerms, termsOf } from "../../../../prover/src/disclosure/standing.js";
import { SubmitPresentationRequestSchema } from "../../../gen/zkproto/v1/presentation_pb.js";
import { parseVerifier, type Verifier, verifierText } from "../../ledger/keys.js";
import { type Link, parseLink, writeLink } from "../../scan/links.js";
import { VaultError } from "../fault.js";
import type { AnyRequest } from "../showing/fetch.js";
import { type Usage, usagesIn } from "../showing/usages.js";
import { StoreError } from "../store/errors.js";
import type { Opened as Kept } from "../store/keys.js";
import type { Draft } from "../store/store.js";

const KIND = "consent";
const LABEL = "zk-disclosure/web-consent/v1";
const MOST_OCTETS = 2 * MAX_OCTETS;
const DAY = 86_400;
const MS = 1000;
export const BEYOND = "CONSENT_BEYOND";

/** Granted; withdrawn by the holder; or put back from a file of before, or by the ledger: not all its answers are counted here. */
export type GrantState = "granted" | "withdrawn" | "recovered";

export interface HeldConsent {
  readonly id: string;
  readonly state: GrantState;
  readonly link: Link;
  /** What the verifier is called. */
  readonly called: LocalizedText;
  readonly signed: SignedTerms;
  readonly terms: StandingTerms;
  /** The times of the requests that were answered under it, as they state, in seconds. */
  readonly uses: readonly number[];
  /** The log's key that it was granted under; null where the ledger gave it back, or it was granted again after a refusal. */
  readonly log: Verifier | null;
}

const damaged = () => new StoreError("VAULT_DAMAGED", "what is kept of a consent is none");

export function consentOctets({ state, link, called, signed, uses, log }: HeldConsent): Uint8Array {
  const { payload, signature } = signed;
  const times = uses.map((each) => each * MS);
  return encode(LABEL, state, writeLink(link), called.items(), times, log && verifierText(log), payload, signature);
}

/** Decode what `consentOctets` gives; StoreError VAULT_DAMAGED. */
export function consentOf(id: string, stored: Uint8Array): HeldConsent {
  try {
    const items = list(decode(LABEL, stored, MOST_OCTETS), damaged, 7);
    const [state, link, called, uses, log, payload, signature] = items;
    const signed = { payload: octets(payload, damaged), signature: octets(signature, damaged) };
    const written = orNull(log, damaged, text);
    return {
      id,
      state: stateOf(state),
      link: linkOf(text(link, damaged)),
      called: LocalizedText.of(called, damaged),
      signed,
      terms: termsOf(signed),
      uses: list(uses, damaged).map(timeOf),
      log: written === null ? null : parseVerifier(written),
    };
  } catch {
    throw damaged();
  }
}

function stateOf(item: Decoded | undefined): GrantState {
  if (item === "granted" || item === "withdrawn" || item === "recovered") return item;
  throw damaged();
}

function linkOf(written: string): Link {
  const link = parseLink(written);
  if (link.action !== "consent") throw damaged();
  return link;
}

function timeOf(item: Decoded): number {
  const time = small(item, damaged);
  if (time < 0 || time % MS !== 0) throw damaged();
  return time / MS;
}

/** All consents, the oldest terms first. StoreError VAULT_DAMAGED. */
export async function consentsIn(draft: Pick<Draft, "list">): Promise<HeldConsent[]> {
  const found = (await draft.list(KIND)).map(({ name, value }) => consentOf(name, value));
  return found.sort((one, other) => one.terms.created - other.terms.created || (one.id < other.id ? -1 : 1));
}

/** One of them; VaultError CONSENT_NOT_FOUND. */
export async function consentIn(draft: Pick<Draft, "get">, id: string): Promise<HeldConsent> {
  const stored = await draft.get({ kind: KIND, name: id });
  if (stored === null) throw new VaultError("CONSENT_NOT_FOUND", "the vault holds no such consent");
  return consentOf(id, stored);
}

export function putConsent(draft: Draft, held: HeldConsent): void {
  draft.put({ kind: KIND, name: held.id }, consentOctets(held));
}

export function removeConsent(draft: Draft, { id }: HeldConsent): void {
  draft.remove({ kind: KIND, name: id });
}

/**
 * The consent of these terms, null if none is held; RefusedError REQUEST_MISMATCH where name and terms do not fit. By its name a
 * vault withdraws a consent and asks what waits for it: two of one name cannot be told apart, and one of two names would be
 * withdrawn under one of them only.
 */
export function knownAs(held: readonly HeldConsent[], link: Link, terms: StandingTerms): HeldConsent | null {
  const isNamed = (each: HeldConsent) => each.link.server === link.server && each.link.name === link.name;
  const known = held.find((each) => equal(each.terms.digest, terms.digest));
  if (known !== undefined && !isNamed(known)) {
    throw new RefusedError("REQUEST_MISMATCH", "the vault holds these terms under another name", "consent");
  }
  if (known === undefined && held.some(isNamed)) {
    const detail = "the service gives a consent's name to other terms than those that the vault holds";
    throw new RefusedError("REQUEST_MISMATCH", detail, "consent");
  }
  return known ?? null;
}

/**
 * Throw VaultError CONSENT_BEYOND unless a consent allows an answer to this request now, in seconds; MalformedError as `isSame`.
 * The interval is held to by the times that the requests state under the verifier's signature, so that what waited for a vault
 * that was away does not make the next one too early.
 */
export function checkUnder({ state, terms, uses }: HeldConsent, request: AnyRequest, now: number): void {
  const earliest = Math.max(...uses) + terms.intervalDays * DAY - CLOCK_TOLERANCE;
  const beyond: readonly (readonly [string, boolean])[] = [
    ["it was withdrawn, or not granted with this vault", state !== "granted"],
    ["the request asks something else", !terms.isSame(request)],
    ["its last day is over", terms.isOver(now)],
    [`it is for ${terms.times} requests`, uses.length >= terms.times],
    [`between two requests lie ${terms.intervalDays} days`, uses.length > 0 && request.created < earliest],
  ];
  for (const [detail, isSo] of beyond) {
    if (isSo) throw new VaultError(BEYOND, `beyond the standing consent: ${detail}`);
  }
}

/** Count an answer to an exchange's request, within the use case that stores it. VaultError CONSENT_BEYOND; as `checkOpen`. */
export async function countAnswer(
  draft: Draft, id: string, exchange: string, request: AnyRequest, now: number,
): Promise<void> {
  const held = await consentIn(draft, id);
  await checkOpen(draft, exchange, request);
  checkUnder(held, request, now);
  putConsent(draft, { ...held, uses: [...held.uses, request.created] });
}

/**
 * Throw VaultError EXCHANGE_ANSWERED if the vault has answered this request: another tab attended to it meanwhile, or the service
 * hands it out again under another exchange's name.
 */
export async function checkOpen(draft: Pick<Draft, "list">, exchange: string, request: AnyRequest): Promise<void> {
  const uses = await usagesIn(draft);
  if (uses.some((each) => exchangeOf(each) === exchange || equal(each.request.digest, request.digest))) {
    throw new VaultError("EXCHANGE_ANSWERED", "the vault has answered this request");
  }
}

/** The names of all exchanges that the vault has answered, whatever became of the answers. */
export async function answeredIn(draft: Pick<Draft, "list">): Promise<ReadonlySet<string>> {
  return new Set((await usagesIn(draft)).map(exchangeOf));
}

const exchangeOf = ({ message }: Usage): string => fromBinary(SubmitPresentationRequestSchema, message).exchange;

/**
 * What a record becomes in a vault that is put back from a file of before; null for one that stays. How often something was
 * answered under a consent since then nobody knows here, nor whether it was withdrawn: it can be withdrawn, and nothing is
 * answered under it. StoreError VAULT_DAMAGED.
 */
export function agedConsent({ kind, name, value }: Kept): Uint8Array | null {
  if (kind !== KIND) return null;
  const held = consentOf(name, value);
  return held.state === "granted" ? consentOctets({ ...held, state: "recovered" }) : null;
}
