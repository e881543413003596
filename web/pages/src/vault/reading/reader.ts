// The reader of what is published, as the vault's parts know it (parts.ts).
//
// The service is believed nothing that it could make for one holder alone: a schema or a key that a presentation names in
// the clear would tag its holder, and a verifier's key of the service's own would sign requests in that verifier's name.
// All of it counts only with the proof that the log holds its record (wire/published.py). What is believed is that a key is
// still active, which opens nothing but what a verifier would refuse, that a policy has not been ended, which of many is
// the newest, and what departments and verifiers are called.
import type { Epoch, MembershipWitness } from "../../../../prover/src/accumulator/list.js";
import { checkRequest } from "../../../../prover/src/composite/compiler.js";
import {
  CompositeDirectory,
  PublishedAccumulator,
  PublishedCodeList,
  PublishedDigits,
} from "../../../../prover/src/composite/directory.js";
import type { CompositeRequest } from "../../../../prover/src/composite/request.js";
import type { LocalizedText } from "../../../../prover/src/disclosure/attributes.js";
import type { IssuerKey } from "../../../../prover/src/disclosure/key.js";
import type { IssuerKeyName, PolicyName, SchemaName } from "../../../../prover/src/disclosure/names.js";
import type { RegisteredPolicy } from "../../../../prover/src/disclosure/policy.js";
import type { Schema } from "../../../../prover/src/disclosure/schema.js";
import type { States } from "../../../gen/zkproto/v1/states_pb.js";
import type { Verifier } from "../../ledger/keys.js";
import type { List, Reader, RegisteredVerifier } from "../parts.js";
import type { SealedStore } from "../store/store.js";
import { Catalogue } from "./catalogue.js";
import { publication } from "./clients.js";
import { type Ground, isAway } from "./ground.js";
import type { Saw } from "./growing.js";
import { Kept } from "./kept.js";
import { type Published, type Regulator, other } from "./messages.js";
import { type Needed, neededFor } from "./needed.js";
import { Publications } from "./publications.js";
import { Revocations } from "./revocations.js";

/**
 * Reads over the page's own origin. Raises ConnectError (the service was not reached, or refuses), MalformedError,
 * RefusedError, LedgerError (what does not stand on the ledger), StoreError. `log` is the key that the vault believes; `saw`
 * is told of each checkpoint of it that vouched for something.
 */
export class PublishedReader implements Reader {
  /** What parts stand on that read something of their own. */
  readonly ground: Ground;
  readonly #catalogue: Catalogue;
  readonly #publications: Publications;
  readonly #revocations: Revocations;

  constructor(store: SealedStore, log: Verifier, now: () => number, saw: Saw) {
    this.ground = { log, kept: new Kept(store, log, now, saw.keep), saw };
    this.#catalogue = new Catalogue(this.ground);
    this.#publications = new Publications(this.ground);
    this.#revocations = new Revocations(this.ground);
  }

  schema(name: SchemaName): Promise<Schema> {
    return this.#catalogue.schema(name);
  }

  issuerKey(name: IssuerKeyName): Promise<IssuerKey> {
    return this.#catalogue.issuerKey(name);
  }

  departmentName(department: string): Promise<LocalizedText> {
    return this.#catalogue.departmentName(department);
  }

  verifier(name: string): Promise<RegisteredVerifier> {
    return this.#catalogue.verifier(name);
  }

  policy(name: PolicyName): Promise<RegisteredPolicy> {
    return this.#catalogue.policy(name);
  }

  /** A regulator by the digest of its key, with what a person is told that it is called. */
  regulator(digest: Uint8Array): Promise<Regulator> {
    return this.#publications.regulator(digest);
  }

  /** A table of digits or list of codes by its digest, every signature of it checked. */
  table(digest: Uint8Array): Promise<Published> {
    return this.#publications.table(digest);
  }

  lists(department: string): Promise<readonly List[]> {
    return this.#revocations.lists(department);
  }

  epoch(list: List, number: bigint): Promise<Epoch> {
    return this.#revocations.epoch(list, number);
  }

  newestEpoch(list: List): Promise<Epoch> {
    return this.#revocations.newestEpoch(list);
  }

  caughtUp(
    list: List,
    witness: MembershipWitness,
  ): Promise<{ witness: MembershipWitness; epoch: Epoch } | null> {
    return this.#revocations.caughtUp(list, witness);
  }

  /**
   * All that a request is read with, of each accumulator the newest epoch, which is the one that holders answer for. `told`
   * is how keys and accumulators stand, where the service has said it unasked.
   */
  async directory(request: CompositeRequest, told?: States): Promise<CompositeDirectory> {
    const needed = neededFor(request);
    const unchanging = this.#unchanging(needed);
    const states = told ?? (await this.#states(needed));
    if (states !== null && !fits(needed, states)) throw other();
    const issuerKeys = await this.#keys(needed, states);
    const tables = await unchanging.tables;
    const accumulators = await this.#accumulators(needed, issuerKeys, states);
    const verifiers = await unchanging.verifiers;
    const directory = new CompositeDirectory({
      schemas: await unchanging.schemas,
      issuerKeys,
      digits: tables.filter((table) => table instanceof PublishedDigits),
      codeLists: tables.filter((table) => table instanceof PublishedCodeList),
      accumulators,
      regulators: (await unchanging.regulators).map(({ key }) => key),
      verifiers: new Map(verifiers.map(({ name, publicKey }) => [name, publicKey])),
    });
    checkRequest(request, directory);
    return directory;
  }

  /** What does not depend on how anything stands; all of it is asked for at once. */
  #unchanging(needed: Needed) {
    return {
      tables: each(needed.tables, (digest) => this.#publications.table(digest)),
      schemas: each(needed.schemas, (name) => this.#catalogue.schema(name)),
      regulators: each(needed.regulators, (digest) => this.#publications.regulator(digest)),
      verifiers: each(needed.verifiers, (name) => this.#catalogue.verifier(name)),
    };
  }

  /** How keys and accumulators stand now; null if the service was not reached, and what was seen last has to do. */
  async #states({ keys, accumulators }: Needed): Promise<States | null> {
    const asked = { issuerKeys: keys.map(({ text }) => text), accumulators: accumulators.map(({ key }) => key) };
    try {
      return await publication.readStates(asked);
    } catch (error) {
      if (isAway(error)) return null;
      throw error;
    }
  }

  #keys({ keys }: Needed, states: States | null): Promise<IssuerKey[]> {
    return each(keys, async (name, at) => {
      const message = states?.issuerKeys[at];
      if (message !== undefined) return this.#catalogue.toldKey(name, message);
      return (await this.#catalogue.keptKey(name)) ?? this.#catalogue.issuerKey(name);
    });
  }

  #accumulators(
    { accumulators }: Needed,
    keys: readonly IssuerKey[],
    states: States | null,
  ): Promise<PublishedAccumulator[]> {
    return each(accumulators, async ({ key, issuer }, at) => {
      const { suite } = keys.find(({ name }) => name.text === issuer.text)!;
      const list = await this.#revocations.listOfKey(issuer.department, suite, key);
      const message = states?.epochs[at];
      const epoch =
        message !== undefined
          ? await this.#revocations.toldEpoch(list, message)
          : ((await this.#revocations.keptEpoch(list)) ?? (await this.#revocations.newestEpoch(list)));
      return new PublishedAccumulator(list.department, list.key, [epoch]);
    });
  }
}

const fits = ({ keys, accumulators }: Needed, { issuerKeys, epochs }: States): boolean =>
  issuerKeys.length === keys.length && epochs.length === accumulators.length;

/** Read all at once; of several that fail the first in order is told, once all have ended. */
function each<In, Out>(all: readonly In[], read: (each: In, at: number) => Promise<Out>): Promise<Out[]> {
  const reading = Promise.allSettled(all.map(read)).then((ended) =>
    ended.map((one) => {
      if (one.status === "rejected") throw one.reason;
      return one.value;
    }),
  );
  // What is not waited for, since something else failed before, is nobody's to tell.
  reading.catch(() => undefined);
  return reading;
}
