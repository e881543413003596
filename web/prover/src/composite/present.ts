// The holder's side: answer one branch of a request with credentials that are held (disclosure/composite/present.py).
// Everything is checked again before a proof is made, so what cannot be proven is told by its place in the request.

import { BbsError, InputError } from "../bbs/errors.js";
import { hex } from "../bbs/octets.js";
import { resolve } from "../bbs/suite.js";
import { Values, prove } from "../engine/prover.js";
import type { RandomScalars, Suite } from "../engine/suite.js";
import { verify } from "../engine/verifier.js";
import type { Day, Value } from "../disclosure/attributes.js";
import { RefusedError } from "../disclosure/errors.js";
import { civilDay } from "../disclosure/key.js";
import { type Schema, valueOf } from "../disclosure/schema.js";
import { type Compiled, compileAnswer } from "./compiler.js";
import { type Chosen, type Held, required } from "./composer.js";
import { type HolderSecret } from "./credential.js";
import type { CompositeDirectory } from "./directory.js";
import { type Holding, type Holdings, missingIn, type Openings, usable } from "./holding.js";
import { PendingCredential } from "./issuance.js";
import { CommitmentOpening, commitmentOctets, KeptOpening } from "./opening.js";
import { Answer, CompositePresentation, type CredentialAnswer } from "./presentation.js";
import type { CompositeQuery } from "./query.js";
import type { Branch, CompositeRequest } from "./request.js";
import { checkBranch } from "./rule_checks.js";
import { BranchRules } from "./rules.js";
import * as scalars from "./scalars.js";

/** What is asked, and with what it is answered. */
export interface Asked {
  readonly request: CompositeRequest;
  /** The branch's identifier. */
  readonly branch: string;
  /** A credential for each of the branch's queries, by the queries' identifiers. */
  readonly holdings: Holdings;
  readonly secret: HolderSecret;
  readonly directory: CompositeDirectory;
  /** Seconds since 1970-01-01 UTC. */
  readonly now: number;
  readonly usageTag: Uint8Array;
  readonly noteHash: Uint8Array;
  /** The vault's own list of regulators' digests; a request adds nothing to it. */
  readonly trustedRegulators: readonly Uint8Array[];
  readonly openings?: Openings;
  /** The proof's randomness; by default the system's. */
  readonly random?: RandomScalars;
}

/** A presentation, and what the holder keeps of it: of an issuance, and the opening of each commitment. */
export interface Presented {
  readonly presentation: CompositePresentation;
  readonly pending: PendingCredential | null;
  readonly kept: ReadonlyMap<string, KeptOpening>;
  /** Throw RefusedError PROOF_INVALID unless the proof holds, as a vault makes sure of before it sends its own. */
  readonly checkOwnProof: () => void;
}

/**
 * Answer a branch. RefusedError UNSATISFIED with the place of the first query or predicate that these credentials do not
 * satisfy (`missingIn` gives all), EPOCH_STALE (catch up first), COMMITMENT_INVALID (an opening of another commitment),
 * REGULATOR_UNKNOWN, REQUEST_EXPIRED, REQUEST_NOT_YET_VALID, ISSUER_KEY_RETIRED; MalformedError; what `checkBranch` throws.
 */
export function presentComposite(asked: Asked): Presented {
  const { request, directory, holdings, now } = asked;
  const [index, branch] = request.branch(asked.branch);
  const place = `branches[${index}]`;
  checkRegulators(branch, place, asked.trustedRegulators);
  const rules = new BranchRules(request, branch, place, directory);
  checkBranch(rules);
  for (const lack of missingIn(branch, place, holdings, directory, now, asked.openings)) {
    throw new RefusedError(lack.reason, lack.detail, lack.place);
  }
  request.checkTime(now);
  const answers = branch.queries.map((query, i) =>
    answerOf(query, required(holdings.get(query.id)), directory, now, `${place}.queries[${i}]`));
  const credentials = answers.map(([answer]) => answer);
  const answer = new Answer(branch.id, credentials, asked.usageTag, asked.noteHash, request.digest);
  const compiled = compileAnswer(rules, answer, answers.map(([, chosen]) => chosen));
  const { proof, pending, committed } = proven(asked, compiled, place);
  const presentation = new CompositePresentation(answer, proof);
  const kept = new Map(branch.commitments.map((query) => {
    const opening = committed(query.id);
    return [query.id, new KeptOpening(rules.committed(query, presentation.digest, opening.K), opening)];
  }));
  return { presentation, pending, kept, checkOwnProof: () => checkProof(compiled, proof) };
}

interface Proven {
  readonly proof: Uint8Array;
  readonly pending: PendingCredential | null;
  readonly committed: (id: string) => CommitmentOpening;
}

/** Give all secrets to their gadgets, in the order of the statement, and prove. */
function proven(asked: Asked, compiled: Compiled, first: string): Proven {
  const { statement, context, layout } = compiled;
  const { request, secret } = asked;
  const values = new Values(statement, asked.random);
  const held = heldOf(asked);
  const openings = new Map<string, readonly [bigint, bigint]>();
  let pending: PendingCredential | null = null;
  let place = first;
  try {
    for (const part of layout.parts) {
      place = part.place;
      part.assign(values, held);
    }
    for (const [name, each] of layout.commitments) {
      place = each.place;
      const m = each.value(held);
      openings.set(name, [m, each.gadget.assign(values, m)]);
    }
    if (layout.commitment !== null && request.issuance !== null) {
      pending = new PendingCredential(request.issuance, layout.commitment.assign(values, secret.scalar));
    }
    const proof = prove(statement, context, values);
    return { proof, pending, committed: (id) => openingOf(statement.suite, required(openings.get(id))) };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const detail = "the credentials do not fit together: they are of two holders, or not what they say";
    throw new RefusedError("UNSATISFIED", detail, place);
  }
}

function heldOf({ secret, holdings, openings = new Map() }: Asked): Held {
  const witnesses = [...holdings].flatMap(([query, { witness }]) => (witness === null ? [] : [[query, witness] as const]));
  return {
    secret: secret.scalar,
    credentials: new Map([...holdings].map(([query, each]) => [query, each.prepared])),
    witnesses: new Map(witnesses),
    openings,
  };
}

function openingOf(suite: Suite, [m, u]: readonly [bigint, bigint]): CommitmentOpening {
  const name = suite.name as CommitmentOpening["suite"];
  return new CommitmentOpening(name, commitmentOctets(name, m, u), m, u);
}

function checkProof({ statement, context }: Compiled, proof: Uint8Array): void {
  try {
    verify(statement, context, proof);
  } catch (error) {
    if (!(error instanceof BbsError)) throw error;
    throw new RefusedError("PROOF_INVALID", "the proof does not hold");
  }
}

function checkRegulators(branch: Branch, place: string, trusted: readonly Uint8Array[]): void {
  const known = new Set(trusted.map(hex));
  branch.escrows.forEach(({ regulator }, index) => {
    if (known.has(hex(regulator))) return;
    const detail = "the request wants an identity escrowed to a key that this vault does not trust";
    throw new RefusedError("REGULATOR_UNKNOWN", detail, `${place}.escrows[${index}].regulator`);
  });
}

/** What is sent of a credential, and what is proven of it, by the same choices. */
function answerOf(
  query: CompositeQuery, holding: Holding, directory: CompositeDirectory, now: number, place: string,
): [CredentialAnswer, Chosen] {
  const outcome = usable(query, holding, directory, now, place);
  if ("detail" in outcome) throw new RefusedError(outcome.reason, outcome.detail, place);
  const { credential } = holding;
  const { issuer, epoch } = outcome;
  const key = directory.issuerKey(credential.issuerKey, place);
  if (key.state === "retired") throw new RefusedError("ISSUER_KEY_RETIRED", "the key was retired", place);
  const schema = directory.schema(credential.schema, place);
  const values = new Map(query.shown.map((name) => [name, valueOf(credential.values, name)]));
  const expiry = query.expiry.kind === "shown" ? credential.expiry : null;
  if (expiry !== null && expiry.number < civilDay(now)) {
    throw new RefusedError("CREDENTIAL_EXPIRED", "its last day has passed", place);
  }
  const shown = shownScalars(schema, values, expiry, resolve(key.suite));
  const answer = { query: query.id, schema: schema.name, issuerKey: key.name, values, expiry, epoch };
  return [answer, { query, schema, key, issuer, epoch, shown }];
}

/** The scalars of what is shown, by slot; MalformedError for a value that is none of its attribute. */
function shownScalars(
  schema: Schema, values: ReadonlyMap<string, Value | undefined>, expiry: Day | null, suite: Suite,
): ReadonlyMap<number, bigint> {
  const shown = new Map<number, bigint>();
  for (const [name, value] of values) {
    shown.set(scalars.slot(schema, name), scalars.valueScalar(schema.attribute(name), value, suite));
  }
  if (expiry !== null) shown.set(scalars.EXPIRY, scalars.dayScalar(expiry.number));
  return shown;
}
