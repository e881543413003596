// How a request would be answered: for each branch what was found, and which branch counts (prover/composite/planning.py).
// What is found is for the newest epochs of a directory; after catching up a plan is made anew.

import { equal } from "../../../../prover/src/bbs/octets.js";
import { type HolderSecret, prepareCredential } from "../../../../prover/src/composite/credential.js";
import type { CompositeDirectory } from "../../../../prover/src/composite/directory.js";
import { type Holding, type Openings, usable } from "../../../../prover/src/composite/holding.js";
import type { CredentialAnswer } from "../../../../prover/src/composite/presentation.js";
import type { CompositeQuery } from "../../../../prover/src/composite/query.js";
import type { CompositeRequest } from "../../../../prover/src/composite/request.js";
import { RefusedError } from "../../../../prover/src/disclosure/errors.js";
import { type Schema, valueOf } from "../../../../prover/src/disclosure/schema.js";
import { VaultError } from "../fault.js";
import type { HeldComposite } from "../parts.js";
import { type BranchPlan, expected, isBehind, type Lacking, Search } from "./branches.js";

/** What a planner chooses from, as it was at one moment. */
export class Contents {
  /** The oldest first. */
  readonly credentials: readonly HeldComposite[];
  readonly #secret: HolderSecret | null;
  readonly #holdings = new Map<HeldComposite, Holding>();

  constructor(
    secret: HolderSecret | null, credentials: readonly HeldComposite[],
    /** Digests of the regulators' keys that an identity may be escrowed to. */
    readonly trusted: readonly Uint8Array[] = [],
    /** What other vaults handed over for a branch of a request of this digest. */
    readonly openings: (request: Uint8Array, branch: string) => Openings = () => new Map(),
  ) {
    this.#secret = secret;
    this.credentials = [...credentials].sort((one, other) =>
      one.received - other.received || (one.id < other.id ? -1 : 1));
  }

  /** VaultError NOTHING_FITS if there is none: then there is no credential either. */
  get secret(): HolderSecret {
    if (this.#secret === null) throw new VaultError("NOTHING_FITS", "the vault has no holder's secret");
    return this.#secret;
  }

  /** A credential for proofs. It is prepared when it is first proven with, and then kept. */
  holding(held: HeldComposite): Holding {
    let holding = this.#holdings.get(held);
    if (holding === undefined) {
      const { credential, schema, issuerKey, standing } = held;
      let prepared: Holding["prepared"] | null = null;
      const secret = () => this.secret;
      holding = {
        credential,
        witness: standing?.witness ?? null,
        get prepared() {
          prepared ??= prepareCredential(credential, secret(), schema, issuerKey);
          return prepared;
        },
      };
      this.#holdings.set(held, holding);
    }
    return holding;
  }
}

/** What is chosen by the person; `pinned` has credentials by query, for that branch. */
export interface Wanted {
  readonly branch?: string | undefined;
  readonly pinned?: ReadonlyMap<string, string>;
  /** No list of revocations counts that has had no epoch since then. */
  readonly freshSince?: number | null;
}

/** NOTHING_FITS, with what is missing and where to apply for it. */
export class NothingFitsError extends VaultError {
  readonly #plan: CompositePlan;

  /** `plan` is the one that cannot be answered: after consent it is a newer one than the person chose by. */
  constructor(plan: CompositePlan) {
    const wanted = plan.missing.map(({ place, lack }) => `${place} (${lack})`).join(", ");
    super("NOTHING_FITS", `the vault cannot answer ${wanted}`);
    this.#plan = plan;
  }

  get plan(): CompositePlan {
    return this.#plan;
  }
}

/** How a request would be answered; `branches` are in the request's order. Does not show what is held. */
export class CompositePlan {
  readonly #contents: Contents;
  readonly #wanted: Wanted;

  constructor(
    readonly request: CompositeRequest, contents: Contents, readonly directory: CompositeDirectory, readonly now: number,
    readonly branches: readonly BranchPlan[],
    /** The branch that would be answered: the one that was named, or the first that can be. */
    readonly branch: string,
    wanted: Wanted,
    /** Whether the person has chosen the branch. */
    readonly named: boolean,
  ) {
    this.#contents = contents;
    this.#wanted = wanted;
  }

  get contents(): Contents {
    return this.#contents;
  }

  get chosen(): BranchPlan {
    return this.branches.find((each) => each.branch.id === this.branch) as BranchPlan;
  }

  /** What is missing in it; empty if the request can be answered. */
  get missing(): readonly Lacking[] {
    return this.chosen.missing;
  }

  /** The branches that can be answered. */
  get answerable(): readonly string[] {
    return this.branches.filter((each) => each.missing.length === 0).map((each) => each.branch.id);
  }

  /** Whether no branch was passed over: from a later one the verifier may infer what is not held. */
  get isFirst(): boolean {
    return this.chosen.index === 0;
  }

  /** Whether there is something for the person to choose: several branches, or none of the first. */
  get isOpen(): boolean {
    return !this.named && (this.answerable.length > 1 || !this.isFirst);
  }

  /** The chosen credentials that have to be caught up before anything is proven. NothingFitsError. */
  get behind(): readonly HeldComposite[] {
    return this.answers().flatMap(([query, held]) => {
      const outcome = usable(query, this.#contents.holding(held), this.directory, this.now, "");
      return isBehind(outcome) ? [held] : [];
    });
  }

  /**
   * The same plan looked at from another of its branches: what was found for it stands. VaultError CHOICE_INVALID.
   */
  at(branch: string): CompositePlan {
    checkBranch(this.branches, branch);
    const wanted = { branch, freshSince: this.#wanted.freshSince ?? null };
    return new CompositePlan(
      this.request, this.#contents, this.directory, this.now, this.branches, branch, wanted, true);
  }

  /** The plan for a branch that the person has chosen. VaultError CHOICE_INVALID. */
  chooseBranch(branch: string): CompositePlan {
    // A search takes its time, and a request may be made so that it takes long: it is not done again for the same.
    if ((this.#wanted.pinned?.size ?? 0) === 0) return this.at(branch);
    const wanted = { branch, freshSince: this.#wanted.freshSince ?? null };
    return planComposite(this.request, this.#contents, this.directory, this.now, wanted);
  }

  /** The plan with a credential for a query of the chosen branch, the others chosen anew. VaultError CHOICE_INVALID. */
  choose(query: string, credential: string): CompositePlan {
    const fitting = this.chosen.fitting.get(query) ?? [];
    if (!fitting.some((each) => each.id === credential)) {
      throw new VaultError("CHOICE_INVALID", "this credential does not fit the query");
    }
    const pinned = new Map(this.#wanted.pinned ?? []).set(query, credential);
    const wanted = { branch: this.branch, pinned, freshSince: this.#wanted.freshSince ?? null };
    return planComposite(this.request, this.#contents, this.directory, this.now, wanted, this.named);
  }

  /** Each query with the credential chosen for it. NothingFitsError. */
  answers(): readonly (readonly [CompositeQuery, HeldComposite])[] {
    if (this.missing.length > 0) throw new NothingFitsError(this);
    const { branch, chosen } = this.chosen;
    return branch.queries.map((query) => [query, chosen.get(query.id) as HeldComposite]);
  }

  /** What other vaults have handed over for the chosen branch. */
  get openings(): Openings {
    return this.#contents.openings(this.request.digest, this.branch);
  }

  /** The chosen credentials, prepared for proofs. NothingFitsError. */
  get holdings(): ReadonlyMap<string, Holding> {
    return new Map(this.answers().map(([query, held]) => [query.id, this.#contents.holding(held)]));
  }

  /** What would be shown for each query, and as of which epoch. NothingFitsError; VaultError NOTHING_FITS. */
  credentialAnswers(): readonly CredentialAnswer[] {
    return this.answers().map(([query, held]) => {
      const outcome = expected(query, this.#contents.holding(held), this.directory, this.now, "");
      if ("detail" in outcome) throw new VaultError("NOTHING_FITS", outcome.detail);
      const { credential } = held;
      return {
        query: query.id,
        schema: credential.schema,
        issuerKey: credential.issuerKey,
        values: new Map(query.shown.map((name) => [name, valueOf(credential.values, name)])),
        expiry: query.expiry.kind === "shown" ? credential.expiry : null,
        epoch: outcome.epoch,
      };
    });
  }

  /** The schemas of what is shown, by their names. */
  get schemas(): ReadonlyMap<string, Schema> {
    return new Map(this.answers().map(([, held]) => [held.schema.name.text, held.schema]));
  }
}

/**
 * Look for what answers a request that was opened and checked against its directory. Without a branch the first that can be
 * answered counts, else the one that lacks least. RefusedError REQUEST_EXPIRED, REQUEST_NOT_YET_VALID; VaultError
 * CHOICE_INVALID; SCHEMA_CHANGED if a schema is published that is another than the one of that name in the vault.
 */
export function planComposite(
  request: CompositeRequest, contents: Contents, directory: CompositeDirectory, now: number, wanted: Wanted = {},
  named = wanted.branch !== undefined,
): CompositePlan {
  request.checkTime(now);
  checkSchemas(contents, directory);
  const { credentials, trusted } = contents;
  const holding = (held: HeldComposite) => contents.holding(held);
  const looked = { directory, now, credentials, holding, trusted, freshSince: wanted.freshSince ?? null };
  const plans = request.branches.map((each, index) => {
    const pinned = each.id === wanted.branch ? wanted.pinned : undefined;
    return new Search(index, each, looked, contents.openings(request.digest, each.id), pinned ?? new Map()).plan();
  });
  const best = wanted.branch ?? least(plans).branch.id;
  checkBranch(plans, best);
  return new CompositePlan(request, contents, directory, now, plans, best, wanted, named);
}

function checkBranch(plans: readonly BranchPlan[], branch: string): void {
  if (plans.some((each) => each.branch.id === branch)) return;
  throw new VaultError("CHOICE_INVALID", "the request has no such branch");
}

function least(plans: readonly BranchPlan[]): BranchPlan {
  return plans.reduce((best, each) => (each.missing.length < best.missing.length ? each : best));
}

function checkSchemas({ credentials }: Contents, directory: CompositeDirectory): void {
  for (const { schema } of credentials) {
    const published = publishedSchema(schema, directory);
    if (published !== null && !equal(published.canonical, schema.canonical)) {
      throw new VaultError("SCHEMA_CHANGED", `the vault knows another schema as ${schema.name.text}`);
    }
  }
}

function publishedSchema(schema: Schema, directory: CompositeDirectory): Schema | null {
  try {
    return directory.schema(schema.name);
  } catch (error) {
    if (error instanceof RefusedError) return null; // the request does not name it
    throw error;
  }
}
