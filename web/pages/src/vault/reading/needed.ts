// What a request names, each once, in the request's order (disclosure/composite/needed.py).
import { hex } from "../../../../prover/src/bbs/octets.js";
import type { Branch, CompositeRequest } from "../../../../prover/src/composite/request.js";
import type { IssuerKeyName, SchemaName } from "../../../../prover/src/disclosure/names.js";

/** `tables` are digits and lists of codes; `verifiers` are members of joint scopes. */
export interface Needed {
  readonly schemas: readonly SchemaName[];
  readonly keys: readonly IssuerKeyName[];
  readonly tables: readonly Uint8Array[];
  readonly regulators: readonly Uint8Array[];
  readonly verifiers: readonly string[];
  /** Each accumulator with a key of its department. */
  readonly accumulators: readonly { readonly key: Uint8Array; readonly issuer: IssuerKeyName }[];
}

export function neededFor({ branches, issuance }: CompositeRequest): Needed {
  const queries = branches.flatMap((each) => each.queries);
  const issuers = queries.flatMap((each) => each.issuers);
  const terms = issuance === null ? [] : [issuance];
  const accumulators = issuers.flatMap(({ key, revocation }) =>
    revocation === null ? [] : [{ key: revocation.accumulator, issuer: key }],
  );
  return {
    schemas: once([...queries.flatMap((each) => each.schemas), ...terms.map((each) => each.schema)], nameOf),
    keys: once([...issuers.map((each) => each.key), ...terms.map((each) => each.issuerKey)], nameOf),
    tables: once(branches.flatMap(tables), hex),
    regulators: once(branches.flatMap((each) => each.escrows.map(({ regulator }) => regulator)), hex),
    verifiers: once(branches.flatMap(members), (each) => each),
    accumulators: once(accumulators, (each) => hex(each.key)),
  };
}

function tables({ digits, queries, predicates }: Branch): Uint8Array[] {
  const all = [digits, ...queries.flatMap((query) => query.issuers.map((each) => each.digits))];
  const lists = predicates.flatMap((each) => (each.kind === "in-list" ? [each.codeList] : []));
  return [...all.filter((each) => each !== null), ...lists];
}

const members = ({ pseudonyms }: Branch): readonly string[] =>
  pseudonyms.flatMap(({ scope }) => (scope.kind === "joint" ? scope.members : []));

const nameOf = (name: { readonly text: string }): string => name.text;

/** Each once, by a text; of several the place of the first and the last itself, as a dictionary of Python has it. */
function once<T>(all: readonly T[], by: (each: T) => string): T[] {
  return [...new Map(all.map((each) => [by(each), each])).values()];
}
