// What a person is told of a directory: lists by their codes, regulators by name (prover/composite/facts.py).

import { hex } from "../../../../prover/src/bbs/octets.js";
import type { CompositeDirectory } from "../../../../prover/src/composite/directory.js";
import type { InList } from "../../../../prover/src/composite/predicates.js";
import type { Branch } from "../../../../prover/src/composite/request.js";
import type { LocalizedText } from "../../../../prover/src/disclosure/attributes.js";

/** Of a longer list a person is told how many codes it can be. */
export const MAX_NAMED = 8;

/** Whose a list is, and which of its codes the accepted schemas know: no credential has another one. */
export interface ListFacts {
  readonly owner: string;
  readonly codes: readonly string[];
}

/** Who a regulator is that this vault trusts, and the digest of its key, 32 octets. */
export interface Regulator {
  readonly name: string;
  readonly displayName: LocalizedText;
  readonly digest: Uint8Array;
}

/** By digest of list and of regulator's key, in hexadecimal digits. */
export interface Facts {
  readonly lists: ReadonlyMap<string, ListFacts>;
  readonly regulators: ReadonlyMap<string, Regulator>;
}

/** Those that an answer of a branch is told by; RefusedError TABLE_UNKNOWN, SCHEMA_UNKNOWN. */
export function factsOf(branch: Branch, directory: CompositeDirectory, trusted: readonly Regulator[]): Facts {
  const listed = branch.predicates.filter((each): each is InList => each.kind === "in-list");
  const wanted = new Set(branch.escrows.map((each) => hex(each.regulator)));
  return {
    lists: new Map(listed.map((each) => [hex(each.codeList), listFacts(branch, listed, directory, each.codeList)])),
    regulators: new Map(trusted.map((each) => [hex(each.digest), each] as const).filter(([key]) => wanted.has(key))),
  };
}

function listFacts(
  branch: Branch, listed: readonly InList[], directory: CompositeDirectory, digest: Uint8Array,
): ListFacts {
  const schemas = new Map(branch.queries.map((each) => [each.id, each.schemas]));
  const about = listed.filter((each) => hex(each.codeList) === hex(digest));
  const known = new Set(about.flatMap(({ operand }) =>
    (schemas.get(operand.query) ?? []).flatMap((name) =>
      directory.schema(name).attribute(operand.attribute).codes.map((each) => each.code))));
  const published = directory.codeList(digest, "");
  return { owner: published.owner, codes: published.codes.filter((each) => known.has(each)) };
}
