// A page with nothing on it, for tests: the vault's reader by plain values, and what is kept of what it read.
import { MembershipWitness } from "../../../../prover/src/accumulator/list.js";
import { hex } from "../../../../prover/src/bbs/octets.js";
import { CompositeRequest } from "../../../../prover/src/composite/request.js";
import { IssuerKeyName, PolicyName, SchemaName } from "../../../../prover/src/disclosure/names.js";
import { BundleName } from "../../../src/vault/errands/bundle.js";
import { bundleAt } from "../../../src/vault/errands/reading.js";
import { faultOf } from "../../../src/vault/fault.js";
import { logKeyOf } from "../../../src/vault/trusting.js";
import { SealedStore } from "../../../src/vault/store/store.js";
import type { Checkpoint } from "../../../src/ledger/note.js";
import { verifierText } from "../../../src/ledger/keys.js";
import { followers, followLogKey, openChange, predecessors } from "../../../src/vault/reading/following.js";
import { Growing } from "../../../src/vault/reading/growing.js";
import { owedIn, putOwed } from "../../../src/vault/reading/owed.js";
import { PublishedReader } from "../../../src/vault/reading/reader.js";
import { believed, trustRecord } from "../../../src/vault/trusting.js";

let store: SealedStore;
let reader: PublishedReader;
let growing: Growing;
let origin: string;
let ahead = 0;
const now = (): number => Math.floor(Date.now() / 1000) + ahead;

const octets = (text: string): Uint8Array =>
  Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const textOf = ({ zh, en }: { zh: string; en: string }) => ({ zh, en });
const list = async (department: string, at = 0) => {
  const found = (await reader.lists(department))[at];
  if (found === undefined) throw new Error("no such list");
  return found;
};
const epochText = ({ number, octets: all }: { number: bigint; octets: Uint8Array }) => [Number(number), hex(all)];

const checkpointText = (checkpoint: Checkpoint | null) =>
  checkpoint && [checkpoint.origin, Number(checkpoint.size), hex(checkpoint.root)];

const questions = {
  schema: async (name: string) => hex((await reader.schema(SchemaName.parse(name))).canonical),
  issuerKey: async (name: string) => {
    const { suite, publicKey, state } = await reader.issuerKey(IssuerKeyName.parse(name));
    return [suite, hex(publicKey), state];
  },
  departmentName: async (name: string) => textOf(await reader.departmentName(name)),
  verifier: async (name: string) => {
    const { displayName, publicKey } = await reader.verifier(name);
    return [textOf(displayName), hex(publicKey)];
  },
  policy: async (name: string) => hex((await reader.policy(PolicyName.parse(name))).canonical),
  regulator: async (digest: string) => {
    const { name, displayName, key } = await reader.regulator(octets(digest));
    return [name, textOf(displayName), hex(key.digest)];
  },
  bundle: async (name: string) => hex((await bundleAt(reader.ground, BundleName.parse(name))).canonical),
  table: async (digest: string) => {
    const { owner, table } = await reader.table(octets(digest));
    return [owner, hex(table.digest)];
  },
  lists: async (department: string) => (await reader.lists(department)).map(({ name, key }) => [name, hex(key.octets)]),
  epoch: async (department: string, number: number) =>
    epochText(await reader.epoch(await list(department), BigInt(number))),
  newestEpoch: async (department: string) => epochText(await reader.newestEpoch(await list(department))),
  directory: async (canonical: string) => {
    const request = CompositeRequest.fromBytes(octets(canonical));
    const directory = await reader.directory(request);
    const issuers = request.branches.flatMap((each) => each.queries.flatMap((query) => query.issuers));
    return issuers.map(({ key, revocation }) => {
      const { state } = directory.issuerKey(key);
      if (revocation === null) return [key.text, state, null];
      return [key.text, state, Number(directory.accumulator(revocation.accumulator, "").latest.number)];
    });
  },
  caughtUp: async (department: string, witness: string) => {
    const of = await list(department);
    const found = await reader.caughtUp(of, MembershipWitness.fromOctets(octets(witness), of.key));
    return found && [hex(found.witness.toOctetsSecret()), Number(found.epoch.number)];
  },
  check: async () => checkpointText(await growing.check()),
  last: async () => checkpointText(await growing.last()),
  saw: async (origin: string, size: number, root: string) =>
    growing.saw({ origin, size: BigInt(size), root: octets(root) }),
  openChange: async (proof: string, pinned: string) => verifierText(openChange(octets(proof), logKeyOf(pinned))),
  followers: async (proofs: string[], pinned: string) =>
    followers(proofs.map(octets), logKeyOf(pinned)).map(verifierText),
  predecessors: async (proofs: string[], pinned: string) =>
    predecessors(proofs.map(octets), logKeyOf(pinned)).map(verifierText),
  trust: (log: string) =>
    store.change(async (draft) => {
      const { value, ...place } = trustRecord(logKeyOf(log));
      draft.put(place, value);
    }),
  follow: async () => verifierText(await followLogKey(store)),
  trusted: async () => verifierText(await store.read(believed)),
};
type Question = keyof typeof questions;

Object.assign(window, {
  reading: {
    /** Make the vault of these tests. */
    async make(): Promise<void> {
      store = await SealedStore.create("reading", "correct horse, ärgert");
    },
    /** Begin with a reader that has read nothing yet, over what is kept. */
    async begin(log: string, later = 0): Promise<void> {
      ahead = later;
      growing = new Growing(store, logKeyOf(log));
      origin = logKeyOf(log).name;
      reader = new PublishedReader(store, logKeyOf(log), now, growing.saw);
    },
    /** Remove all that is kept of what was read. */
    forget: () =>
      store.change(async (draft) => {
        for (const each of ["published", "ledger-seen", "ledger-owed"]) {
          for (const { kind, name } of await draft.list(each)) draft.remove({ kind, name });
        }
      }),
    /** Remove what is kept of what has vouched for it, as if it had never been. */
    forgive: () => store.change(async (draft) => putOwed(draft, origin, new Map())),
    owed: () => store.read(async (draft) => (await owedIn(draft, origin)).size),
    owe: (value: string) => store.change(async (draft) => draft.put({ kind: "ledger-owed", name: origin }, octets(value))),
    put: (name: string, value: string) =>
      store.change(async (draft) => draft.put({ kind: "published", name }, octets(value))),
    copy: (from: string, to: string) =>
      store.change(async (draft) => {
        const value = await draft.get({ kind: "published", name: from });
        draft.put({ kind: "published", name: to }, value!);
      }),
    async ask(question: Question, given: readonly never[]): Promise<unknown> {
      try {
        return { value: await (questions[question] as (...all: unknown[]) => Promise<unknown>)(...given) };
      } catch (error) {
        const fault = faultOf(error);
        return { fault, said: String(error) };
      }
    },
    kept: () => store.read(async (draft) => (await draft.list("published")).map(({ name }) => name)),
  },
});
