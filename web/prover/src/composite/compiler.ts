// What an answer must prove, compiled from the request, the holder's choices and the directory
// (disclosure/composite/compiler.py): the engine's statement, the context that the proof is bound to, and the layout.

import { BbsError } from "../bbs/errors.js";
import { proofOctets } from "../engine/prover.js";
import type { Statement } from "../engine/statement.js";
import type { Context } from "../engine/transcript.js";
import { encode, type Item } from "../disclosure/canonical.js";
import { type Chosen, type CommittedPart, Composer, type Part } from "./composer.js";
import type { CompositeDirectory } from "./directory.js";
import * as add from "./parts.js";
import { type InList, invalidPredicate } from "./predicates.js";
import { type Answer, MAX_PROOF_OCTETS } from "./presentation.js";
import type { AcceptedIssuer, CompositeQuery } from "./query.js";
import type { CompositeRequest } from "./request.js";
import { checkBranch, checkKeys } from "./rule_checks.js";
import { BranchRules } from "./rules.js";
import * as scalars from "./scalars.js";

/** The parts of a statement in their order, and the gadgets whose points somebody reads. */
export interface Layout {
  readonly parts: readonly Part[];
  readonly commitments: ReadonlyMap<string, CommittedPart>;
  readonly commitment: add.HolderCommitment | null;
}

/** A statement and what its proof is bound to. */
export interface Compiled {
  readonly statement: Statement;
  readonly context: Context;
  readonly layout: Layout;
}

/** Compile what the proof of an answer must prove; the choices and the branch have been checked. */
export function compileAnswer(rules: BranchRules, answer: Answer, chosen: readonly Chosen[]): Compiled {
  const [statement, layout] = state(rules, chosen);
  return { statement, context: contextOf(rules, answer, chosen), layout };
}

/** Throw, with the place in the request, unless each of its branches can be compiled, proven and sent. */
export function checkRequest(request: CompositeRequest, directory: CompositeDirectory): void {
  request.branches.forEach((branch, index) => {
    const rules = new BranchRules(request, branch, `branches[${index}]`, directory);
    checkBranch(rules);
    checkKeys(rules);
    const [statement] = state(rules, branch.queries.map((query) => largest(rules, query)));
    if (proofOctets(statement) > MAX_PROOF_OCTETS) {
      throw invalidPredicate(`its proof has more than ${MAX_PROOF_OCTETS} octets`, rules.place);
    }
  });
}

/** State everything that a branch asks, in the order in which the branch has it. */
function state(rules: BranchRules, chosen: readonly Chosen[]): [Statement, Layout] {
  return refusedAt(rules.place, () => {
    const { branch, place } = rules;
    const composer = new Composer(rules, chosen);
    chosen.forEach((each, i) => add.addLife(composer, each, `life ${i}`, `${place}.queries[${i}]`));
    add.addDistinct(composer);
    branch.foreign.forEach((each, i) => {
      const field = `${place}.foreign[${i}]`;
      refusedAt(field, () => add.addForeign(composer, each, `foreign ${i}`, field));
    });
    branch.predicates.forEach((each, i) => {
      const field = `${place}.predicates[${i}]`;
      refusedAt(field, () => add.addPredicate(composer, each, `predicate ${i}`, field));
    });
    add.addPresence(composer);
    branch.pseudonyms.forEach((each, i) =>
      add.addPseudonym(composer, each, `pseudonym ${i}`, `${place}.pseudonyms[${i}]`));
    branch.escrows.forEach((each, i) => add.addEscrow(composer, each, `escrow ${i}`, `${place}.escrows[${i}]`));
    const commitments = new Map(branch.commitments.map((each, i) =>
      [each.id, add.addCommitment(composer, each, `commitment ${i}`, `${place}.commitments[${i}]`)]));
    const commitment = rules.request.issuance === null
      ? null : add.HolderCommitment.addTo(composer.scope("issuance"), composer.secret);
    return [composer.builder.build(), { parts: composer.parts, commitments, commitment }];
  });
}

/** Give the place in the request to what the engine refuses. */
function refusedAt<T>(place: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof BbsError)) throw error;
    throw invalidPredicate(error.detail, place);
  }
}

/** Choose what makes the longest proof. Shown scalars do not matter here: any will do. */
function largest(rules: BranchRules, query: CompositeQuery): Chosen {
  const { directory } = rules;
  const schema = query.schemas.map((name) => directory.schema(name))
    .reduce((most, each) => (each.attributes.length > most.attributes.length ? each : most));
  const candidates = query.issuers.filter((each) => each.key.department === schema.name.department);
  const issuer = (candidates.find((each) => each.revocation !== null) ?? candidates[0]) as AcceptedIssuer;
  const rule = issuer.revocation;
  const epoch = rule === null ? null : directory.accumulator(rule.accumulator, rules.place).latest;
  const shown = new Map(query.shown.map((name) => [scalars.slot(schema, name), 1n]));
  if (query.expiry.kind === "shown") shown.set(scalars.EXPIRY, 1n);
  return { query, schema, key: directory.issuerKey(issuer.key), issuer, epoch, shown };
}

/** Put together everything that a proof is bound to besides its statement. */
function contextOf(rules: BranchRules, answer: Answer, chosen: readonly Chosen[]): Context {
  const choices = chosen.map(({ query, schema, key, issuer, epoch }): Item => [
    query.id, schema.name.text, key.name.text, issuer.revocation?.accumulator ?? null, epoch?.number ?? null,
  ]);
  const lists = rules.branch.predicates.filter((each): each is InList => each.kind === "in-list");
  const tables: Item[] = [
    rules.branch.digits, chosen.map((each) => each.issuer.digits), lists.map((each) => each.codeList),
  ];
  return [
    ["request", rules.request.canonical],
    ["choices", encode("zk-disclosure/composite-choices/v1", answer.branch, choices)],
    ...chosen.map((each) => [`credential ${each.query.id}`, credentialContext(each)] as const),
    ["tables", encode("zk-disclosure/composite-tables/v1", ...tables)],
    ["shown", encode("zk-disclosure/composite-shown/v1", ...answer.shown)],
    ["usage-tag", answer.usageTag],
    ["note-hash", answer.noteHash],
  ];
}

/** What a credential is of: schema, key, and the epoch with its number, value and key. */
function credentialContext({ schema, key, epoch }: Chosen): Uint8Array {
  return encode(
    "zk-disclosure/composite-credential-context/v1", schema.name.text, schema.digest, key.suite, key.publicKey,
    epoch?.octets ?? null,
  );
}
