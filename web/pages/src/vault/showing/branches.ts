// The search for credentials that answer one branch of a request, and what is missing if there are none
// (prover/composite/branches.py). All of it is computed in the clear from what the vault holds: nobody is asked, and
// nothing is proven yet. A witness that is behind counts as caught up: to fetch what it lacks before the person has
// agreed would tell the service what the vault holds.
//
// Credentials are tried in turn, the newest first, and left as soon as what they are part of cannot hold any more; a
// request that is made to have very many combinations is given up after a bounded number.

import { equal, hex } from "../../../../prover/src/bbs/octets.js";
import type { CompositeDirectory } from "../../../../prover/src/composite/directory.js";
import {
  type Holding, type Holdings, type Missing, missingIn, type Openings, type Usable, usable,
} from "../../../../prover/src/composite/holding.js";
import { type Operand, operandsOf, type Predicate } from "../../../../prover/src/composite/predicates.js";
import type { CompositeQuery } from "../../../../prover/src/composite/query.js";
import type { Branch } from "../../../../prover/src/composite/request.js";
import { RefusedError } from "../../../../prover/src/disclosure/errors.js";
import { civilDay, type IssuerKey } from "../../../../prover/src/disclosure/key.js";
import type { SchemaName } from "../../../../prover/src/disclosure/names.js";
import type { HeldComposite } from "../parts.js";

export const MAX_TRIES = 2000;

/**
 * Why nothing that is held fits what is asked (prover/present.py). "unmet" is a predicate that does not hold, "absent" an
 * attribute that is to be escrowed or committed to and is left out; "overdue" is a list of revocations that is older than
 * the vault answers by, "no-witness" a credential of a time before the department revoked; "other-holder" is a number that
 * another holder's vault has not handed over.
 */
export type Lack =
  | "none-held" | "expired" | "key-retired" | "key-not-accepted" | "revoked" | "overdue" | "no-witness" | "used-twice"
  | "unmet" | "absent" | "regulator-not-trusted" | "other-holder";

/** Something that a branch asks and the vault cannot give. */
export interface Lacking {
  /** Where it stands in the request. */
  readonly place: string;
  readonly lack: Lack;
  /** The schemas whose departments could help. */
  readonly applyFor: readonly SchemaName[];
  /** The one that does not hold. */
  readonly predicate: Predicate | null;
  /** The digest of a regulator's key that is not trusted. */
  readonly regulator: Uint8Array | null;
}

/** How one branch would be answered: a credential for each query, or what is missing. */
export interface BranchPlan {
  readonly index: number;
  readonly branch: Branch;
  /** By the queries' identifiers; where something is missing, what comes nearest. */
  readonly chosen: ReadonlyMap<string, HeldComposite>;
  /** The credentials of an accepted schema that may be chosen for a query, the newest first. */
  readonly fitting: ReadonlyMap<string, readonly HeldComposite[]>;
  readonly missing: readonly Lacking[];
}

/** What a search looks at. */
export interface Looked {
  readonly directory: CompositeDirectory;
  readonly now: number;
  /** All that is held, the oldest first. */
  readonly credentials: readonly HeldComposite[];
  readonly holding: (held: HeldComposite) => Holding;
  /** Digests of the regulators' keys that an identity may be escrowed to. */
  readonly trusted: readonly Uint8Array[];
  /** No list of revocations counts that has had no epoch since then; null: all count. */
  readonly freshSince: number | null;
}

/** How a credential answers a query once it is caught up, or why it does not. */
export function expected(
  query: CompositeQuery, holding: Holding, directory: CompositeDirectory, now: number, place: string,
): Usable | Missing {
  const outcome = usable(query, holding, directory, now, place);
  if (!isBehind(outcome) || holding.witness === null) return outcome;
  const own = holding.witness.at.key.octets;
  const issuer = query.issuers.find(({ key, revocation }) =>
    key.text === holding.credential.issuerKey.text && revocation !== null && equal(revocation.accumulator, own));
  if (issuer === undefined) return outcome;
  return { issuer, epoch: directory.accumulator(own, place).latest };
}

/** Whether a credential answers as soon as its witness is caught up. */
export function isBehind(outcome: Usable | Missing): boolean {
  return "detail" in outcome && outcome.reason === "EPOCH_STALE";
}

/** The search in one branch. */
export class Search {
  readonly #place: string;
  /** The credentials of the schemas that are accepted, the newest first. */
  readonly #held: ReadonlyMap<string, HeldComposite>;
  readonly #holdings: ReadonlyMap<string, Holding>;
  /** Credentials that nothing helps any more: they are revoked, or their key is retired. */
  readonly #useless: ReadonlyMap<string, Lack>;
  #tries = MAX_TRIES;

  constructor(
    readonly index: number, readonly branch: Branch, readonly looked: Looked, readonly openings: Openings,
    readonly pinned: ReadonlyMap<string, string>,
  ) {
    this.#place = `branches[${index}]`;
    const accepted = new Set(branch.queries.flatMap(({ schemas }) => schemas.map((each) => each.text)));
    const newest = [...looked.credentials].reverse().filter((each) => accepted.has(each.schema.name.text));
    this.#held = new Map(newest.map((each) => [each.id, each]));
    this.#holdings = new Map(newest.map((each) => [each.id, looked.holding(each)]));
    this.#useless = new Map(newest.flatMap((each) => {
      const lack = dead(each, looked.directory);
      return lack === null ? [] : [[each.id, lack] as const];
    }));
  }

  /** What was found. */
  plan(): BranchPlan {
    const pools = new Map(this.branch.queries.map((query) => [query.id, this.#pool(query)]));
    const fitting = new Map([...pools].map(([query, names]) => [query, names.filter((each) => !this.#useless.has(each))]));
    const tried = new Map([...fitting].map(([query, names]) => {
      const pin = this.pinned.get(query);
      return [query, names.filter((each) => pin === undefined || pin === each)];
    }));
    const found = this.#combination(tried, new Map());
    const chosen = found ?? this.#nearest(tried, pools);
    const lacking = found === null ? this.#lacking(chosen) : [];
    return {
      index: this.index,
      branch: this.branch,
      chosen: new Map([...chosen].map(([query, name]) => [query, this.#one(name)])),
      fitting: new Map([...fitting].map(([query, names]) => [query, names.map((each) => this.#one(each))])),
      missing: [...lacking, ...this.#untrusted()],
    };
  }

  #one(name: string): HeldComposite {
    return this.#held.get(name) as HeldComposite;
  }

  #pool(query: CompositeQuery): readonly string[] {
    const accepted = new Set(query.schemas.map((each) => each.text));
    return [...this.#held].filter(([, each]) => accepted.has(each.schema.name.text)).map(([name]) => name);
  }

  /** The first combination that satisfies the branch; goes deeper only while nothing speaks against one. */
  #combination(
    pools: ReadonlyMap<string, readonly string[]>, chosen: ReadonlyMap<string, string>,
  ): ReadonlyMap<string, string> | null {
    const query = this.branch.queries[chosen.size];
    if (query === undefined) return chosen;
    for (const name of pools.get(query.id) ?? []) {
      this.#tries -= 1;
      if (this.#tries < 0) return null;
      const more = new Map(chosen).set(query.id, name);
      const later = new Set(this.branch.queries.slice(more.size).map((_, at) => this.#query(more.size + at)));
      if (!this.#missing(more).every((each) => later.has(each.place))) continue;
      const found = this.#combination(pools, more);
      if (found !== null) return found;
    }
    return null;
  }

  #query(at: number): string {
    return `${this.#place}.queries[${at}]`;
  }

  #missing(chosen: ReadonlyMap<string, string>): readonly { readonly place: string }[] {
    const { directory, now } = this.looked;
    const holdings: Holdings = new Map([...chosen].map(([query, name]) => [query, this.#holding(name)]));
    const found = missingIn(this.branch, this.#place, holdings, directory, now, this.openings);
    const overdue = this.branch.queries.flatMap((query, at) => {
      const holding = holdings.get(query.id);
      return holding !== undefined && this.#overdue(query, holding) ? [{ place: this.#query(at) }] : [];
    });
    return [...found.filter((each) => each.reason !== "EPOCH_STALE"), ...overdue];
  }

  #holding(name: string): Holding {
    return this.#holdings.get(name) as Holding;
  }

  /**
   * Whether the newest epoch that is shown is older than any honest service would show. Who is shown an old one proves by
   * it what may be true no more, and stands out by it.
   */
  #overdue(query: CompositeQuery, holding: Holding): boolean {
    const { directory, now, freshSince } = this.looked;
    const outcome = expected(query, holding, directory, now, this.#place);
    if (freshSince === null || "detail" in outcome || outcome.epoch === null) return false;
    return Number(directory.accumulator(outcome.epoch.key.octets, this.#place).latest.time) < freshSince;
  }

  /** For each query by itself the credential of which least is missing, to tell what that is. */
  #nearest(
    tried: ReadonlyMap<string, readonly string[]>, pools: ReadonlyMap<string, readonly string[]>,
  ): ReadonlyMap<string, string> {
    const chosen = new Map<string, string>();
    for (const query of this.branch.queries) {
      const fit = tried.get(query.id) ?? [];
      let names = fit.length > 0 ? fit : (pools.get(query.id) ?? []);
      const pin = this.pinned.get(query.id);
      if (pin !== undefined && names.includes(pin)) names = [pin];
      const taken = new Set(chosen.values());
      const unused = names.filter((each) => !taken.has(each));
      const least = first(unused.length > 0 ? unused : names, (name) => this.#missing(new Map([[query.id, name]])).length);
      if (least !== null) chosen.set(query.id, least);
    }
    return chosen;
  }

  #lacking(chosen: ReadonlyMap<string, string>): readonly Lacking[] {
    const dead = this.branch.queries.flatMap((query, at) => {
      const lack = this.#useless.get(chosen.get(query.id) ?? "");
      return lack === undefined ? [] : [lacking(this.#query(at), lack, query.schemas)];
    });
    return [...dead, ...this.#missing(chosen).flatMap(({ place }) => this.#named(place, chosen))];
  }

  /** What is missing by what it is, and who could help. */
  #named(place: string, chosen: ReadonlyMap<string, string>): readonly Lacking[] {
    const { queries, predicates, escrows, commitments } = this.branch;
    const schemas = (operand: Operand) => queries.find((each) => each.id === operand.query)?.schemas ?? [];
    const found: Lacking[] = [];
    queries.forEach((query, at) => {
      const name = chosen.get(query.id);
      if (place !== this.#query(at) || (name !== undefined && this.#useless.has(name))) return;
      found.push(lacking(place, this.#lackOf(query, name, at) ?? "used-twice", query.schemas));
    });
    predicates.forEach((predicate, at) => {
      if (place !== `${this.#place}.predicates[${at}]`) return;
      const own = operandsOf(predicate).filter((each): each is Operand => each.kind !== "foreign");
      const names = new Map(own.flatMap(schemas).map((each) => [each.text, each]));
      found.push(lacking(place, "unmet", [...names.values()], predicate));
    });
    for (const [kind, given] of [["escrows", escrows], ["commitments", commitments]] as const) {
      given.forEach(({ operand }, at) => {
        if (place === `${this.#place}.${kind}[${at}]`) found.push(lacking(place, "absent", schemas(operand)));
      });
    }
    if (place.startsWith(`${this.#place}.foreign[`)) found.push(lacking(place, "other-holder"));
    return found;
  }

  /** Why a credential alone does not answer a query; null if it does. */
  #lackOf(query: CompositeQuery, name: string | undefined, at: number): Lack | null {
    if (name === undefined) return "none-held";
    const { directory, now } = this.looked;
    const holding = this.#holding(name);
    const outcome = expected(query, holding, directory, now, this.#query(at));
    if (!("detail" in outcome)) return this.#overdue(query, holding) ? "overdue" : null;
    const { credential } = holding;
    const day = query.expiry.kind === "valid-on" ? query.expiry.day.number : civilDay(now);
    if (credential.expiry.number < day) return "expired";
    const accepted = query.issuers.some((each) => each.key.text === credential.issuerKey.text);
    return accepted ? "no-witness" : "key-not-accepted";
  }

  #untrusted(): readonly Lacking[] {
    const trusted = new Set(this.looked.trusted.map(hex));
    return this.branch.escrows.flatMap(({ regulator }, at) => {
      if (trusted.has(hex(regulator))) return [];
      const place = `${this.#place}.escrows[${at}].regulator`;
      return [lacking(place, "regulator-not-trusted", [], null, regulator)];
    });
  }
}

function dead(held: HeldComposite, directory: CompositeDirectory): Lack | null {
  if (held.standing?.revoked) return "revoked";
  return publishedKey(held, directory)?.state === "retired" ? "key-retired" : null;
}

function publishedKey({ issuerKey }: HeldComposite, directory: CompositeDirectory): IssuerKey | null {
  try {
    return directory.issuerKey(issuerKey.name);
  } catch (error) {
    if (error instanceof RefusedError) return null; // the request does not name it
    throw error;
  }
}

function lacking(
  place: string, lack: Lack, applyFor: readonly SchemaName[] = [], predicate: Predicate | null = null,
  regulator: Uint8Array | null = null,
): Lacking {
  return { place, lack, applyFor, predicate, regulator };
}

/** The first of which the measure is least; null of none. */
function first(names: readonly string[], measure: (name: string) => number): string | null {
  let best: readonly [string, number] | null = null;
  for (const name of names) {
    const size = measure(name);
    if (best === null || size < best[1]) best = [name, size];
  }
  return best?.[0] ?? null;
}
