// How each kind of what is published is kept: as items, and read from them by the same constructors as from a message.
import { Epoch } from "../../../../prover/src/accumulator/list.js";
import { hex } from "../../../../prover/src/bbs/octets.js";
import {
  PublishedCodeList,
  PublishedDigits,
  RegulatorKey,
  readTable,
} from "../../../../prover/src/composite/directory.js";
import { LocalizedText } from "../../../../prover/src/disclosure/attributes.js";
import { type Decoded, type Item } from "../../../../prover/src/disclosure/canonical.js";
import { MalformedError } from "../../../../prover/src/disclosure/errors.js";
import { IssuerKey, type KeyState } from "../../../../prover/src/disclosure/key.js";
import { IssuerKeyName } from "../../../../prover/src/disclosure/names.js";
import { RegisteredPolicy } from "../../../../prover/src/disclosure/policy.js";
import { list, octets, text, texts } from "../../../../prover/src/disclosure/reading.js";
import { Schema } from "../../../../prover/src/disclosure/schema.js";
import type { List, RegisteredVerifier } from "../parts.js";
import type { Sort } from "./kept.js";
import { type Published, type Regulator, accumulatorKey } from "./messages.js";

const refuse = () => new MalformedError("MALFORMED", "the items are none");
/** Tables of 4,096 codes have half a MiB and more, and all that a vault holds goes into one backup of 64 MiB. */
const MAX_TABLES = 24;
/** As many as are listed (regulators/part.ts). */
const MAX_REGULATORS = 256;
/** In the order in which a key has them. */
export const STATES: readonly KeyState[] = ["active", "verify-only", "retired"];

export const SCHEMA: Sort<Schema> = {
  word: "schema",
  toItems: (schema) => [schema.canonical],
  fromItems: ([canonical]) => Schema.fromBytes(octets(canonical, refuse)),
};

export const ISSUER_KEY: Sort<IssuerKey> = {
  word: "issuer-key",
  toItems: ({ name, suite, publicKey, state }) => [name.text, suite, publicKey, state],
  fromItems: ([name, suite, key, state]) => {
    const known = STATES.find((each) => each === state);
    if (known === undefined) throw refuse();
    return new IssuerKey(IssuerKeyName.parse(text(name, refuse)), text(suite, refuse), octets(key, refuse), known);
  },
};

export const DEPARTMENT: Sort<LocalizedText> = {
  word: "department",
  toItems: (name) => name.items(),
  fromItems: (items) => LocalizedText.of(items, refuse),
};

export const VERIFIER: Sort<RegisteredVerifier> = {
  word: "verifier",
  toItems: ({ name, displayName, publicKey }) => [name, displayName.items(), publicKey],
  fromItems: ([name, displayName, key]) => {
    const called = LocalizedText.of(displayName, refuse);
    return { name: text(name, refuse), displayName: called, publicKey: octets(key, refuse) };
  },
};

export const POLICY: Sort<RegisteredPolicy> = {
  word: "policy",
  toItems: (policy) => [policy.canonical],
  fromItems: ([canonical]) => RegisteredPolicy.fromBytes(octets(canonical, refuse)),
};

/** A regulator is kept under the digest of its key. */
export const REGULATOR: Sort<Regulator> = {
  word: "regulator",
  most: MAX_REGULATORS,
  toItems: ({ name, displayName, key, shares }) => [
    name,
    displayName.items(),
    key.suite,
    shares.map((each) => [each.publicKey, each.possession]),
  ],
  fromItems: ([name, displayName, suite, officers]) => {
    const shares = list(officers, refuse).map((each) => {
      const [publicKey, possession] = list(each, refuse, 2);
      return { publicKey: octets(publicKey, refuse), possession: octets(possession, refuse) };
    });
    const key = new RegulatorKey(text(suite, refuse), shares);
    return { name: text(name, refuse), displayName: LocalizedText.of(displayName, refuse), key, shares };
  },
};

/** A table with the octets that it was read from, which it does not hold itself. */
export interface KeptTable {
  readonly published: Published;
  readonly octets: Uint8Array;
}

/** A table is kept under its digest: one whose octets have that digest was verified before it was kept. */
export const tableOf = (digest: Uint8Array): Sort<KeptTable> => ({
  word: "table",
  most: MAX_TABLES,
  toItems: ({ published, octets: all }) =>
    "codeSystem" in published
      ? [published.owner, all, published.codeSystem, published.codes]
      : [published.owner, all, null, []],
  fromItems: ([owner, all, codeSystem, codes]) => {
    const read = octets(all, refuse);
    const table = readTable(read, digest);
    if (hex(table.digest) !== hex(digest)) throw refuse();
    const whose = text(owner, refuse);
    const published =
      codeSystem === null
        ? new PublishedDigits(whose, table)
        : new PublishedCodeList(whose, text(codeSystem, refuse), texts(codes, refuse), table);
    return { published, octets: read };
  },
});

export const LIST: Sort<List> = {
  word: "list",
  toItems: ({ name, department, key }) => [name, department, key.suite.name, key.octets],
  fromItems: ([name, department, suite, key]) => ({
    name: text(name, refuse),
    department: text(department, refuse),
    key: accumulatorKey(text(suite, refuse), octets(key, refuse)),
  }),
};

/** A department's lists, the newest first. */
export const LISTS: Sort<readonly List[]> = {
  word: "lists",
  toItems: (all) => all.map(LIST.toItems),
  fromItems: (items) => items.map((each) => LIST.fromItems(list(each, refuse, 4))),
};

const epochSort = (word: string, { key }: List): Sort<Epoch> => ({
  word,
  toItems: (epoch): Item[] => [epoch.octets],
  fromItems: ([each]: Decoded[]) => Epoch.fromOctets(octets(each, refuse), key),
});

/** An epoch of a list by its number. */
export const epochOf = (of: List): Sort<Epoch> => epochSort("epoch", of);

/** The newest epoch of a list that was seen. */
export const newestOf = (of: List): Sort<Epoch> => epochSort("newest-epoch", of);
