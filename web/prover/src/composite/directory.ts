// What a request and its answer are read with: schemas, keys, tables, lists, epochs, regulators, verifiers
// (disclosure/composite/directory.py). Everything in it is published, the same for everybody, and who puts a directory
// together has checked what it comes from: signatures and inclusion in the ledger.

import { AccumulatorKey, Epoch } from "../accumulator/list.js";
import { BbsError } from "../bbs/errors.js";
import { equal, hex } from "../bbs/octets.js";
import { resolve } from "../bbs/suite.js";
import type { Decoded } from "../disclosure/canonical.js";
import { digest, encode } from "../disclosure/canonical.js";
import { type DisclosureReason, MalformedError, RefusedError } from "../disclosure/errors.js";
import { type IssuerKey, SUITES, type SuiteName, suiteName } from "../disclosure/key.js";
import type { IssuerKeyName, SchemaName } from "../disclosure/names.js";
import { list, octets as octetsOf, text } from "../disclosure/reading.js";
import type { Schema } from "../disclosure/schema.js";
import { type PublicShare, sharedKey } from "../gadgets/escrow.js";
import { Table } from "../gadgets/tables.js";
import { codeScalar } from "./scalars.js";

const REGULATOR_LABEL = "zk-disclosure/regulator-key/v2";

/**
 * Decode a table of any suite with every signature checked, unless its digest is `known`: that of a table that this
 * vault has checked before. MalformedError MALFORMED, RefusedError SIGNATURE_INVALID.
 */
export function readTable(octets: Uint8Array, known?: Uint8Array): Table {
  for (const name of SUITES) {
    try {
      const table = Table.fromOctets(resolve(name), octets);
      return known !== undefined && equal(table.digest, known) ? table : table.verified();
    } catch (error) {
      if (!(error instanceof BbsError)) throw error;
      if (error.reason === "INVALID_LABEL") continue;
      if (error.reason === "SIGNATURE_INVALID") {
        throw new RefusedError("SIGNATURE_INVALID", "a signature of the table does not hold", "table");
      }
      break;
    }
  }
  throw new MalformedError("MALFORMED", "the octets are no table", "table");
}

/** A table of digits and whose it is; MalformedError MALFORMED if it is of something else. */
export class PublishedDigits {
  constructor(readonly owner: string, readonly table: Table) {
    if (!table.isDigits) throw new MalformedError("MALFORMED", "the table is none of digits", "table");
  }
}

/** A signed list of codes of one code system, and whose it is; MalformedError MALFORMED if the table signs others. */
export class PublishedCodeList {
  constructor(
    readonly owner: string, readonly codeSystem: string, readonly codes: readonly string[], readonly table: Table,
  ) {
    const wanted = codes.map((each) => codeScalar(codeSystem, each, table.suite));
    const same = wanted.length === table.scalars.length && wanted.every((each, at) => each === table.scalars[at]);
    if (!same || table.purpose !== "codes") {
      throw new MalformedError("MALFORMED", "the table signs other codes", "table");
    }
  }
}

/** A department's accumulator with the epochs that are accepted as logged. MalformedError MALFORMED unless of its key. */
export class PublishedAccumulator {
  readonly epochs: ReadonlyMap<bigint, Epoch>;

  constructor(readonly owner: string, readonly key: AccumulatorKey, epochs: readonly Epoch[]) {
    this.epochs = new Map(epochs.map((each) => [each.number, each]));
    if (epochs.length === 0 || this.epochs.size !== epochs.length || !epochs.every((each) => each.key.isSame(key))) {
      throw new MalformedError("MALFORMED", "the epochs are not those of the accumulator", "epochs");
    }
  }

  get latest(): Epoch {
    return [...this.epochs.values()].reduce((best, each) => (each.number > best.number ? each : best));
  }

  /** From octets: suite, key and epochs as they are published. DecodingError, MalformedError. */
  static of(owner: string, suite: string, key: Uint8Array, epochs: readonly Uint8Array[]): PublishedAccumulator {
    const known = new AccumulatorKey(resolve(suiteName(suite)), key);
    return new PublishedAccumulator(owner, known, epochs.map((each) => Epoch.fromOctets(each, known)));
  }
}

/** A key that identities are escrowed to, by the shares of two officers who open together. MalformedError MALFORMED. */
export class RegulatorKey {
  readonly suite: SuiteName;
  readonly publicKey: Uint8Array;
  /** What requests and trust lists name it by. */
  readonly digest: Uint8Array;

  constructor(suite: string, shares: readonly PublicShare[]) {
    this.suite = suiteName(suite);
    try {
      this.publicKey = sharedKey(resolve(this.suite), shares);
    } catch (error) {
      if (!(error instanceof BbsError)) throw error;
      const detail = "a key has the shares of 2 officers, each with the proof of its possession";
      throw new MalformedError("MALFORMED", detail, "shares");
    }
    const officers = shares.map((each) => each.publicKey);
    this.digest = digest(REGULATOR_LABEL, encode(REGULATOR_LABEL, this.suite, officers));
  }

  /** Decode the item that stands in the ledger's record of a regulator. */
  static of(item: Decoded): RegulatorKey {
    const refuse = () => new MalformedError("MALFORMED", "the octets hold no regulator's key", "shares");
    const [suite, shares] = list(item, refuse, 2);
    const read = list(shares, refuse).map((each) => {
      const [publicKey, possession] = list(each, refuse, 2);
      return { publicKey: octetsOf(publicKey, refuse), possession: octetsOf(possession, refuse) };
    });
    return new RegulatorKey(text(suite, refuse), read);
  }
}

export interface Published {
  readonly schemas?: readonly Schema[];
  readonly issuerKeys?: readonly IssuerKey[];
  readonly digits?: readonly PublishedDigits[];
  readonly codeLists?: readonly PublishedCodeList[];
  readonly accumulators?: readonly PublishedAccumulator[];
  readonly regulators?: readonly RegulatorKey[];
  /** Registered Ed25519 keys of 32 octets, by the verifiers' names. */
  readonly verifiers?: ReadonlyMap<string, Uint8Array>;
}

/** What is published, by name, digest and key. MalformedError MALFORMED if one key serves twice. */
export class CompositeDirectory {
  private readonly schemas: ReadonlyMap<string, Schema>;
  private readonly issuerKeys: ReadonlyMap<string, IssuerKey>;
  private readonly digits: ReadonlyMap<string, PublishedDigits>;
  private readonly codeLists: ReadonlyMap<string, PublishedCodeList>;
  private readonly accumulators: ReadonlyMap<string, PublishedAccumulator>;
  private readonly regulators: ReadonlyMap<string, RegulatorKey>;
  private readonly verifiers: ReadonlyMap<string, Uint8Array>;

  constructor(published: Published) {
    this.schemas = new Map((published.schemas ?? []).map((each) => [each.name.text, each]));
    this.issuerKeys = new Map((published.issuerKeys ?? []).map((each) => [each.name.text, each]));
    this.digits = new Map((published.digits ?? []).map((each) => [hex(each.table.digest), each]));
    this.codeLists = new Map((published.codeLists ?? []).map((each) => [hex(each.table.digest), each]));
    this.accumulators = new Map((published.accumulators ?? []).map((each) => [hex(each.key.octets), each]));
    this.regulators = new Map((published.regulators ?? []).map((each) => [hex(each.digest), each]));
    this.verifiers = published.verifiers ?? new Map();
    const keys = [
      ...[...this.issuerKeys.values()].map((each) => each.publicKey),
      ...[...this.accumulators.values()].map((each) => each.key.octets),
      ...[...this.digits.values(), ...this.codeLists.values()].map((each) => each.table.key),
    ].map(hex);
    if (new Set(keys).size !== keys.length) {
      throw new MalformedError("MALFORMED", "one key serves two purposes, or two owners");
    }
  }

  /** A schema; RefusedError SCHEMA_UNKNOWN. */
  schema(name: SchemaName, field = ""): Schema {
    return found(this.schemas, name.text, "SCHEMA_UNKNOWN", "no such schema is registered", field);
  }

  /** An issuer's key; RefusedError ISSUER_KEY_UNKNOWN. */
  issuerKey(name: IssuerKeyName, field = ""): IssuerKey {
    return found(this.issuerKeys, name.text, "ISSUER_KEY_UNKNOWN", "no such issuer key is registered", field);
  }

  /** A table of digits; RefusedError TABLE_UNKNOWN. */
  digitTable(digest: Uint8Array, field: string): PublishedDigits {
    return found(this.digits, hex(digest), "TABLE_UNKNOWN", "no such table of digits is published", field);
  }

  /** A list of codes; RefusedError TABLE_UNKNOWN. */
  codeList(digest: Uint8Array, field: string): PublishedCodeList {
    return found(this.codeLists, hex(digest), "TABLE_UNKNOWN", "no such list is published", field);
  }

  /** An accumulator; RefusedError EPOCH_UNKNOWN. */
  accumulator(key: Uint8Array, field: string): PublishedAccumulator {
    return found(this.accumulators, hex(key), "EPOCH_UNKNOWN", "no such accumulator is published", field);
  }

  /** A regulator's key; RefusedError REGULATOR_UNKNOWN. */
  regulator(digest: Uint8Array, field: string): RegulatorKey {
    return found(this.regulators, hex(digest), "REGULATOR_UNKNOWN", "no such regulator is known", field);
  }

  /** A verifier's registered key; RefusedError REQUEST_SIGNATURE_INVALID. */
  verifierKey(name: string): Uint8Array {
    return found(this.verifiers, name, "REQUEST_SIGNATURE_INVALID", `no key of ${name} is registered`, "scope");
  }
}

function found<T>(
  known: ReadonlyMap<string, T>, name: string, reason: DisclosureReason, detail: string, field: string,
): T {
  const value = known.get(name);
  if (value === undefined) throw new RefusedError(reason, detail, field);
  return value;
}
