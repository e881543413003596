// A page with nothing on it, for tests: the vault's reader by plain values, and what is kept of what it read.
import { MembershipWitness } from "../../../../prover/src/accumulator/list.js";
import { hex } from "../../../../prover/src/bbs/octets.js";
import { CompositeRequest } from "../../../../prover/src/composite/request.js";
import { IssuerKeyName, PolicyName, SchemaName } from "../../../../prover/src/disclosure/names.js";
import { faultOf } from "../../../src/vault/fault.js";
import { logKeyOf } from "../../../src/vault/trusting.js";
import { SealedStore } from "../../../src/vault/store/store.js";
import { PublishedReader } from "../../../src/vault/reading/reader.js";

let store: SealedStore;
let reader: PublishedReader;
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
};
type Question = keyof typeof questions;

Object.assign(window, {
  reading: {
    /** Begin with a vault of this name, made if there is none, and a reader that has seen nothing yet. */
    async begin(vault: string, log: string, later = 0): Promise<void> {
      const passphrase = "correct horse, ärgert";
      const there = await SealedStore.exists(vault);
      store = await (there ? SealedStore.unlock(vault, passphrase) : SealedStore.create(vault, passphrase));
      ahead = later;
      reader = new PublishedReader(store, logKeyOf(log), now);
    },
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
