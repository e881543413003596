// Standing consents: the terms on which a verifier may ask the same again, signed by it (disclosure/standing.py). The template
// is the canonical octets of the request without its nonce and its times; a later request is within the terms only if its own
// template is equal, octet for octet. Of the composite form two numbers go with the times: the day of a hidden expiry stands in
// the template as days after the request's end, and the oldest epoch that is accepted does not stand in it. Times are seconds.

import { concat, equal, utf8 } from "../bbs/octets.js";
import { CompositeRequest, isComposite, LABEL as COMPOSITE } from "../composite/request.js";
import { LABEL as PLAIN, PlainRequest } from "../plain/request.js";
import { checkAllowed } from "./allowance.js";
import { Day, LAST_DAY } from "./attributes.js";
import { type Decoded, decode, digest, encode, type Item, MAX_OCTETS } from "./canonical.js";
import { MalformedError, RefusedError, type Violation } from "./errors.js";
import { civilDay } from "./key.js";
import type { RegisteredPolicy, StandingLimits } from "./policy.js";
import { list, octets, type Refuse, small } from "./reading.js";
import {
  checkFrame, checkLife, ed25519Holds, type FindKey, MAX_LIFETIME, MAX_SECONDS, NONCE_OCTETS, SIGNATURE_OCTETS,
} from "./request_frame.js";

const MAX_TIMES = 1000;
const MAX_INTERVAL_DAYS = 366;
const MAX_YEARS = 10;
const MAX_TERMS_OCTETS = MAX_OCTETS + 1024;
const LABEL = "zk-disclosure/standing-terms/v1";
const SIGNING_PREFIX = utf8("zk-disclosure/standing-terms-signature/v1\x00");
/** A day is counted from the year 1 in terms, and from 1970 everywhere else: 1970-01-01 is this one. */
const EPOCH_ORDINAL = 719_163;
const LAST_ORDINAL = LAST_DAY + EPOCH_ORDINAL;
const NO_NONCE = new Uint8Array(NONCE_OCTETS);
const VALID_ON = "valid-on";

export type StandingRequest = CompositeRequest | PlainRequest;

/**
 * A request's canonical octets with its nonce and its times taken out. MalformedError BOUND_INVALID if a hidden expiry is to be
 * proven for a day before the request ends.
 */
export function templateOf(request: StandingRequest): Uint8Array {
  return timed(request, { created: 0, expires: 1, nonce: NO_NONCE, anyEpoch: true });
}

/** A request of either form, decoded and not verified; MalformedError. */
function askedBy(payload: Uint8Array): StandingRequest {
  return isComposite(payload) ? CompositeRequest.fromBytes(payload) : PlainRequest.fromBytes(payload);
}

interface Times {
  readonly created: number;
  readonly expires: number;
  readonly nonce: Uint8Array;
  /** Whether the oldest epochs that are accepted are taken out too. */
  readonly anyEpoch: boolean;
}

/** A request's octets with other times, its days of hidden expiry as long after its end as before. */
function timed(request: StandingRequest, times: Times): Uint8Array {
  const { created, expires, nonce } = times;
  const composite = request instanceof CompositeRequest;
  const label = composite ? COMPOSITE : PLAIN;
  const [verifier, policy, purpose, , , , asked, ...rest] = decode(label, request.canonical) as Item[];
  const put = composite ? list(asked as Decoded, none).map((each) => branchAt(each, request.expires, times)) : asked;
  return encode(label, verifier!, policy!, purpose!, created, expires, nonce, put!, ...rest);
}

function branchAt(item: Decoded, before: number, times: Times): Item {
  const [id, holders, queries, ...rest] = list(item, none) as Item[];
  return [id!, holders!, list(queries as Decoded, none).map((each) => queryAt(each, before, times)), ...rest];
}

function queryAt(item: Decoded, before: number, { expires, anyEpoch }: Times): Item {
  const [id, schemas, issuers, expiry, shown] = list(item, none, 5);
  const accepted: Item = anyEpoch ? list(issuers, none).map(ofAnyEpoch) : (issuers as Item);
  return [id as Item, schemas as Item, accepted, expiryAt(expiry, civilDay(before), civilDay(expires)), shown as Item];
}

function ofAnyEpoch(item: Decoded): Item {
  const [key, revocation, digits] = list(item, none, 3) as Item[];
  if (!Array.isArray(revocation)) return [key!, revocation!, digits!];
  const [accumulator, , maxAge] = revocation as Item[];
  return [key!, [accumulator!, 0, maxAge!], digits!];
}

function expiryAt(item: Decoded | undefined, before: number, after: number): Item {
  const [kind, day] = list(item, none);
  if (kind !== VALID_ON) return item as Item;
  const later = small(day, none) - before;
  if (later < 0) throw bound("who is valid as long as the request lives is asked for");
  if (after + later > LAST_DAY) throw bound("the day is after the last that there is");
  return [VALID_ON, after + later];
}

const bound = (detail: string) => new MalformedError("BOUND_INVALID", detail, "expiry");
const none = () => invalid("the octets are no request", "template");
const invalid = (detail: string, field = "") => new MalformedError("REQUEST_INVALID", detail, field);

export interface TermsFields {
  readonly template: Uint8Array;
  readonly times: number;
  readonly intervalDays: number;
  readonly until: Day;
  readonly created: number;
  readonly expires: number;
  readonly nonce: Uint8Array;
}

/**
 * What a standing consent allows: the same question, so often, no oftener, until a day. `times` is 1 to 1000; between one request
 * and the next lie `intervalDays` of 24 hours at least, 0 to 366; `until` is the last civil day of use. It can be granted from
 * `created` to `expires`, whole seconds, at most seven days. MalformedError REQUEST_INVALID and what the template throws.
 */
export class StandingTerms {
  readonly template: Uint8Array;
  readonly times: number;
  readonly intervalDays: number;
  readonly until: Day;
  readonly created: number;
  readonly expires: number;
  readonly nonce: Uint8Array;
  /** The question, as a request whose nonce and times say nothing. */
  readonly asked: StandingRequest;
  /** The canonical octets, which the verifier signs. */
  readonly canonical: Uint8Array;
  /** SHA-256 over them, domain-separated. */
  readonly digest: Uint8Array;

  constructor(fields: TermsFields) {
    this.template = fields.template.slice();
    this.times = fields.times;
    this.intervalDays = fields.intervalDays;
    this.until = fields.until;
    this.created = fields.created;
    this.expires = fields.expires;
    this.nonce = fields.nonce.slice();
    this.#check();
    this.asked = askedBy(this.template);
    if (!equal(templateOf(this.asked), this.template)) {
      throw invalid("a template has no nonce and no times", "template");
    }
    this.canonical = encode(
      LABEL, this.template, this.times, this.intervalDays, this.until.number + EPOCH_ORDINAL, this.created, this.expires,
      this.nonce,
    );
    this.digest = digest(LABEL, this.canonical);
  }

  #check(): void {
    checkFrame(this.created, this.expires, this.nonce);
    for (const [field, value, low, high] of [
      ["times", this.times, 1, MAX_TIMES], ["interval_days", this.intervalDays, 0, MAX_INTERVAL_DAYS],
    ] as const) {
      if (!Number.isInteger(value) || value < low || value > high) throw invalid(`it is ${low} to ${high}`, field);
    }
    const [first, last] = [civilDay(this.created), this.until.number];
    if (last < first || last > first + 366 * MAX_YEARS) {
      throw invalid(`the last day is within ${MAX_YEARS} years`, "until");
    }
  }

  /** Decode canonical octets; MalformedError. */
  static fromBytes(canonical: Uint8Array): StandingTerms {
    const refuse = () => invalid("the octets are no terms of a standing consent");
    const fields = list(decode(LABEL, canonical, MAX_TERMS_OCTETS), refuse, 7);
    const template = octets(fields[0], refuse);
    const [times, intervalDays, until, created, expires] = fields.slice(1, 6).map((each) => numberOf(each, refuse));
    const nonce = octets(fields[6], refuse);
    if (until! < 1 || until! > LAST_ORDINAL) throw refuse();
    for (const moment of [created!, expires!]) {
      if (moment < 0 || moment >= MAX_SECONDS) throw invalid("a time is outside what is sensible");
    }
    const terms = new StandingTerms({
      template, nonce, created: created!, expires: expires!, until: new Day(until! - EPOCH_ORDINAL),
      // A truth value is a number to Python where it is a time, and none where it is counted.
      times: typeof fields[1] === "boolean" ? Number.NaN : times!,
      intervalDays: typeof fields[2] === "boolean" ? Number.NaN : intervalDays!,
    });
    if (!equal(terms.canonical, canonical)) throw refuse();
    return terms;
  }

  /** Who may ask. */
  get verifier(): string {
    return this.asked.verifier;
  }

  /** A request under the terms as it would be at a moment, to be shown and not to be answered; at most seven days long. */
  sample(created: number, lifetime: number): StandingRequest {
    const nonce = crypto.getRandomValues(new Uint8Array(NONCE_OCTETS));
    const expires = created + Math.min(lifetime, MAX_LIFETIME);
    const canonical = timed(this.asked, { created, expires, nonce, anyEpoch: false });
    if (canonical.length > MAX_OCTETS) throw invalid("the request is too large", "template");
    return askedBy(canonical);
  }

  /** Throw RefusedError REQUEST_EXPIRED, REQUEST_NOT_YET_VALID unless it can be granted now. */
  checkOffered(now: number): void {
    checkLife(this.created, this.expires, now);
  }

  /** Whether its last day is over. */
  isOver(now: number): boolean {
    return civilDay(now) > this.until.number;
  }

  /** Whether a request asks exactly what the terms say. MalformedError as `templateOf`. */
  isSame(request: StandingRequest): boolean {
    return equal(templateOf(request), this.template);
  }
}

function numberOf(item: Decoded | undefined, refuse: Refuse): number {
  if (typeof item !== "bigint" && typeof item !== "boolean") throw refuse();
  return Number(item);
}

/** Terms as their verifier signed them. */
export interface SignedTerms {
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

/** Terms decoded and not yet verified. MalformedError REQUEST_INVALID for a signature of another length, and those of terms. */
export function termsOf({ payload, signature }: SignedTerms): StandingTerms {
  if (signature.length !== SIGNATURE_OCTETS) throw invalid(`a signature has ${SIGNATURE_OCTETS} octets`, "signature");
  return StandingTerms.fromBytes(payload);
}

/**
 * The terms whose signature holds under their verifier's registered key of 32 octets. MalformedError; RefusedError
 * REQUEST_SIGNATURE_INVALID; what `findKey` throws.
 */
export function openTerms(signed: SignedTerms, findKey: FindKey): StandingTerms {
  const terms = termsOf(signed);
  if (!ed25519Holds(findKey(terms.verifier), signed.signature, concat(SIGNING_PREFIX, signed.payload))) {
    throw new RefusedError("REQUEST_SIGNATURE_INVALID", "the terms are not signed by their verifier");
  }
  return terms;
}

/**
 * Throw RefusedError OVER_ASKING, with each excess, unless a policy allows the question and to ask it so; POLICY_UNKNOWN for
 * another policy than the terms name. That something may be asked does not say that holders may agree to it beforehand.
 */
export function checkStanding(terms: StandingTerms, policy: RegisteredPolicy): void {
  checkAllowed(terms.asked, policy);
  const found = [...beyond(terms, policy.standing)];
  if (found.length === 0) return;
  const detail = `the terms ask ${found.length} thing(s) more than ${policy.name.text} allows`;
  throw new RefusedError("OVER_ASKING", detail, "", found);
}

function* beyond(terms: StandingTerms, limits: StandingLimits | null): Iterable<Violation> {
  if (limits === null) {
    yield { field: "template", detail: "the policy does not allow that holders agree beforehand" };
    return;
  }
  const days = terms.until.number - civilDay(terms.created) + 1;
  if (terms.times > limits.times) yield { field: "times", detail: `the policy allows ${limits.times} times` };
  if (terms.intervalDays < limits.intervalDays) {
    yield { field: "interval_days", detail: `the policy allows it ${limits.intervalDays} days apart` };
  }
  if (days > limits.days) yield { field: "until", detail: `the policy allows it for ${limits.days} days` };
}
