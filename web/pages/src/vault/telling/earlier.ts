// What the ways before the chosen one ask (prover/composite/asking.py). A verifier that puts one question in many ways, each
// asking a little less, learns from the way that is answered which of the earlier ones its holder could not answer. So each
// of them is told.

import type { CompositeDirectory } from "../../../../prover/src/composite/directory.js";
import { ownOperands, type Operand, type Predicate } from "../../../../prover/src/composite/predicates.js";
import type { Branch } from "../../../../prover/src/composite/request.js";
import type { SchemaName } from "../../../../prover/src/disclosure/names.js";
import type { Text } from "../model.js";
import { clause, leastOf, namedOperand, type Reading, sumSentence } from "./clauses.js";
import { factsOf, type Regulator } from "./facts.js";
import { joined, plain, say } from "./saying.js";
import { ASKING } from "./texts.js";
import { type Earlier, readingOf } from "./told.js";

/** A way with what it is read by: the first of the schemas that each query accepts. */
export function earlierOf(branch: Branch, directory: CompositeDirectory, trusted: readonly Regulator[]): Earlier {
  const schemas = new Map(branch.queries.map((each) => [each.id, directory.schema(each.schemas[0] as SchemaName)]));
  return { branch, reading: readingOf(branch, schemas, factsOf(branch, directory, trusted)) };
}

/** What each earlier way asks, and what choosing a later one suggests; nothing for the first way. */
export function earlierTexts(earlier: readonly Earlier[]): readonly Text[] {
  const told = earlier.map(({ branch, reading }) => {
    if (reading === null) return say(ASKING.earlier_unread, { branch: branch.id });
    return say(ASKING.earlier, { branch: branch.id, asked: joined(asked(branch, reading), ASKING.semicolon) });
  });
  return told.length > 0 ? [...told, say(ASKING.suggests)] : [];
}

function asked(branch: Branch, reading: Reading): readonly Text[] {
  const credentials = branch.queries.map((query) => {
    const schema = reading.schema(query.id);
    const name = plain(schema.displayName);
    if (query.shown.length === 0) return say(ASKING.credential, { schema: name });
    const shown = query.shown.map((each) => plain(schema.attribute(each).displayName));
    return say(ASKING.shown, { schema: name, names: joined(shown, ASKING.comma) });
  });
  const escrows = branch.escrows.map(({ operand }) => say(ASKING.escrow, { attribute: namedOperand(operand, reading) }));
  return [
    ...credentials,
    ...branch.predicates.map((each) => predicateSentence(each, reading)),
    ...escrows,
    ...(branch.pseudonyms.length > 0 ? [say(ASKING.pseudonyms)] : []),
  ];
}

/** What a predicate says by itself: of its first attribute, or of all that a sum adds up. */
export function predicateSentence(predicate: Predicate, reading: Reading): Text {
  if (predicate.kind === "sum" && predicate.terms.length > 1) return sumSentence(predicate, reading);
  const own = ownOperands(predicate);
  const first = predicate.kind === "equal" ? leastOf(own) : (own[0] as Operand);
  return say(ASKING.clause, { attribute: namedOperand(first, reading), clause: clause(predicate, first, reading) });
}
