/** A city of the composite form as the vectors and the tests of Python write it: what is published, and what holders have. */

import { sha256 } from "@noble/hashes/sha2.js";

import { AccumulatorKey, MembershipWitness } from "../src/accumulator/list.js";
import { resolve } from "../src/bbs/suite.js";
import { toInteger } from "../src/bbs/octets.js";
import { CompositeCredential, HolderSecret, prepareCredential } from "../src/composite/credential.js";
import {
  CompositeDirectory, PublishedAccumulator, PublishedCodeList, PublishedDigits, readTable, RegulatorKey,
} from "../src/composite/directory.js";
import type { Holding } from "../src/composite/holding.js";
import { CommitmentOpening } from "../src/composite/opening.js";
import type { Asked } from "../src/composite/present.js";
import { CompositeRequest } from "../src/composite/request.js";
import { IssuerKey, suiteName } from "../src/disclosure/key.js";
import { Schema } from "../src/disclosure/schema.js";
import { octets } from "./vectors.js";

/** Read what is published; `known` says that its tables were verified before, as a vault's are that it stored. */
export function directoryOf(published: any, known = false): CompositeDirectory {
  const table = (digits: string) => readTable(octets(digits), known ? sha256(octets(digits)) : undefined);
  return new CompositeDirectory({
    schemas: published.schemas.map((each: string) => Schema.fromBytes(octets(each))),
    issuerKeys: published.issuerKeys.map((each: any) => IssuerKey.fromRecord(octets(each.record), each.state)),
    digits: published.digits.map((each: any) => new PublishedDigits(each.owner, table(each.table))),
    codeLists: published.codeLists.map((each: any) =>
      new PublishedCodeList(each.owner, each.codeSystem, each.codes, table(each.table))),
    accumulators: published.accumulators.map((each: any) =>
      PublishedAccumulator.of(each.owner, each.suite, octets(each.key), each.epochs.map(octets))),
    regulators: published.regulators.map((each: any) => new RegulatorKey(each.suite, each.shares.map((share: any) =>
      ({ publicKey: octets(share.publicKey), possession: octets(share.possession) })))),
    verifiers: new Map(Object.entries(published.verifiers).map(([name, key]) => [name, octets(key as string)])),
  });
}

/** A city with its people. */
export class City {
  readonly directory: CompositeDirectory;
  private readonly schemas: ReadonlyMap<string, Schema>;
  private readonly held = new Map<string, Holding>();

  constructor(private readonly given: any, known = false) {
    this.directory = directoryOf(given.published, known);
    const schemas: Schema[] = given.published.schemas.map((each: string) => Schema.fromBytes(octets(each)));
    this.schemas = new Map(schemas.map((each) => [each.name.text, each]));
  }

  schema(name: string): Schema {
    return this.schemas.get(name)!;
  }

  secret(holder: string): HolderSecret {
    return HolderSecret.fromOctets(octets(this.given.holders[holder]));
  }

  /** A credential by its name, read once as its holder stored it. */
  holding(name: string): Holding {
    const kept = this.held.get(name) ?? this.read(this.given.credentials[name]);
    this.held.set(name, kept);
    return kept;
  }

  private read(stored: any): Holding {
    const schema = this.schema(stored.schema);
    const credential = CompositeCredential.fromBytes(octets(stored.octets), schema);
    const key = this.directory.issuerKey(credential.issuerKey);
    const prepared = prepareCredential(credential, this.secret(stored.holder), schema, key);
    if (stored.witness === null) return { credential, prepared, witness: null };
    const accumulator = new AccumulatorKey(resolve(key.suite), octets(stored.accumulator));
    return { credential, prepared, witness: MembershipWitness.fromOctets(octets(stored.witness), accumulator) };
  }

  /** A question with what answers it. */
  asked(question: any): Asked {
    const openings = Object.entries(question.openings ?? {}).map(([name, opening]) => {
      const [suite, K, secret] = opening as [string, string, string];
      const both = octets(secret);
      const [m, u] = [both.subarray(0, 32), both.subarray(32)].map(toInteger) as [bigint, bigint];
      return [name, new CommitmentOpening(suiteName(suite), octets(K), m, u)] as const;
    });
    return {
      request: CompositeRequest.fromBytes(octets(question.request)),
      branch: question.branch,
      holdings: new Map(Object.entries(question.holdings).map(([query, name]) => [query, this.holding(name as string)])),
      secret: this.secret(question.holder),
      directory: this.directory,
      now: question.now,
      usageTag: octets(question.usageTag),
      noteHash: octets(question.noteHash),
      trustedRegulators: question.trusted.map(octets),
      openings: new Map(openings),
    };
  }
}
