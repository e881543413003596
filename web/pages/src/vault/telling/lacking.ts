// What is missing for an answer, and where to apply for it (prover/composite/lacking.py).

import { hex } from "../../../../prover/src/bbs/octets.js";
import type { CompositeDirectory } from "../../../../prover/src/composite/directory.js";
import type { Predicate } from "../../../../prover/src/composite/predicates.js";
import type { Branch } from "../../../../prover/src/composite/request.js";
import type { SchemaName } from "../../../../prover/src/disclosure/names.js";
import type { Schema } from "../../../../prover/src/disclosure/schema.js";
import type { Text } from "../model.js";
import { predicateSentence } from "./earlier.js";
import { factsOf, type Regulator } from "./facts.js";
import { joined, plain, same, say } from "./saying.js";
import { LACKING } from "./texts.js";
import { readingOf } from "./told.js";

/** Why nothing that is held fits what is asked: by the names of prover/present.py. */
export type Lack = Exclude<keyof typeof LACKING, "apply" | "schema" | "or" | "way" | "whole">;

/** Something that a branch asks and the vault cannot give. */
export interface Lacking {
  readonly lack: Lack;
  /** The schemas whose departments could help. */
  readonly applyFor: readonly SchemaName[];
  /** The one that does not hold. */
  readonly predicate: Predicate | null;
  /** The digest of a regulator's key that is not trusted. */
  readonly regulator: Uint8Array | null;
}

/** How a branch would be answered, as far as what it lacks is told by it. */
export interface Lacked {
  readonly branch: Branch;
  /** Schemas of what comes nearest, by the queries' identifiers. */
  readonly chosen: ReadonlyMap<string, { readonly schema: Schema }>;
  readonly missing: readonly Lacking[];
}

/** What a directory and a vault are known by. */
export interface Known {
  readonly directory: CompositeDirectory;
  readonly trusted: readonly Regulator[];
  readonly departments: ReadonlyMap<string, Text>;
}

/** What a branch lacks, each with where to apply for it; empty if it can be answered. */
export function missingTexts(lacked: Lacked, known: Known): readonly Text[] {
  return lacked.missing.flatMap((each) => {
    const sentence = sentenceOf(lacked, each, known);
    return each.applyFor.length > 0 ? [sentence, applyText(each.applyFor, known.departments)] : [sentence];
  });
}

/** Where to apply for what could help. */
export function applyText(applyFor: readonly SchemaName[], known: Known["departments"]): Text {
  const departments = [...new Set(applyFor.map(({ department }) => `departments/${department}`))];
  const names = departments.map((each) => known.get(each) ?? same(each));
  return say(LACKING.apply, { departments: joined(names, LACKING.or) });
}

function sentenceOf({ branch, chosen }: Lacked, lacking: Lacking, { directory, trusted }: Known): Text {
  const { predicate } = lacking;
  if (predicate === null) {
    const names = lacking.applyFor.map((name) => plain(directory.schema(name).displayName));
    return lackText(lacking.lack, names, lacking.regulator);
  }
  const schemas = new Map([...chosen].map(([query, { schema }]) => [query, schema]));
  const reading = readingOf(branch, schemas, factsOf(branch, directory, trusted));
  return say(LACKING.unmet, { sentence: predicateSentence(predicate, reading) });
}

/** What is missing by what it is called. */
export function lackText(lack: Lack, names: readonly Text[], regulator: Uint8Array | null = null): Text {
  const called = names.map((name) => say(LACKING.schema, { name }));
  return say(LACKING[lack], {
    names: joined(called, LACKING.or), digest: regulator === null ? "" : hex(regulator), sentence: "",
  });
}
