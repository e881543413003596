// A page with nothing on it, for tests: what a vault shows, over a store of its own and credentials that the test gives it.
import { AccumulatorKey, Epoch, MembershipWitness } from "../../../../prover/src/accumulator/list.js";
import { hex } from "../../../../prover/src/bbs/octets.js";
import { resolve } from "../../../../prover/src/bbs/suite.js";
import { CompositeCredential, HolderSecret } from "../../../../prover/src/composite/credential.js";
import { LocalizedText } from "../../../../prover/src/disclosure/attributes.js";
import { IssuerKey } from "../../../../prover/src/disclosure/key.js";
import { Schema } from "../../../../prover/src/disclosure/schema.js";
import { PlainCredential } from "../../../../prover/src/plain/credential.js";
import { parseLink } from "../../../src/scan/links.js";
import { witnessPolicy } from "../../../src/vault/history/witnesses.js";
import { faultOf } from "../../../src/vault/fault.js";
import { anchor } from "../../../src/vault/history/anchoring.js";
import type { Choice } from "../../../src/vault/model.js";
import type { HeldComposite, Opened } from "../../../src/vault/parts.js";
import { Growing } from "../../../src/vault/reading/growing.js";
import { PublishedReader } from "../../../src/vault/reading/reader.js";
import { eventsIn } from "../../../src/vault/showing/events.js";
import type { HeldPlainOne, Holdings } from "../../../src/vault/showing/holdings.js";
import { ShowingPart } from "../../../src/vault/showing/part.js";
import { resumeShowing } from "../../../src/vault/showing/resume.js";
import { pageServer } from "../../../src/vault/showing/server.js";
import { putUsage, usageIn, usagesIn } from "../../../src/vault/showing/usages.js";
import type { Regulator } from "../../../src/vault/telling/facts.js";
import { SealedStore } from "../../../src/vault/store/store.js";
import { logKeyOf } from "../../../src/vault/trusting.js";

interface GivenComposite {
  readonly id: string;
  readonly schema: string;
  readonly key: string;
  readonly credential: string;
  readonly received: number;
  readonly list: { readonly name: string; readonly key: string; readonly epoch: string; readonly witness: string } | null;
}

const octets = (text: string): Uint8Array =>
  Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

let opened: Opened;
const server = pageServer();
let part: ShowingPart;
let secret: HolderSecret;
let composite: HeldComposite[] = [];
let plain: HeldPlainOne[] = [];
let regulators: Regulator[] = [];

const holdings: Holdings = {
  held: async () => ({ secret, composite, plain, regulators }),
  async keepWitness(id, witness, epoch) {
    composite = composite.map((each) =>
      each.id === id && each.standing !== null ? { ...each, standing: { ...each.standing, witness, epoch } } : each);
  },
  async markRevoked(id) {
    composite = composite.map((each) =>
      each.id === id && each.standing !== null ? { ...each, standing: { ...each.standing, revoked: true } } : each);
  },
};

function compositeOf({ id, schema: canonical, key, credential, received, list }: GivenComposite): HeldComposite {
  const schema = Schema.fromBytes(octets(canonical));
  const issuerKey = IssuerKey.fromRecord(octets(key));
  const department = `departments/${schema.name.department}`;
  const held = CompositeCredential.fromBytes(octets(credential), schema);
  if (list === null) return { id, credential: held, schema, issuerKey, received, standing: null };
  const accumulator = new AccumulatorKey(resolve(issuerKey.suite), octets(list.key));
  const standing = {
    list: { name: list.name, department, key: accumulator },
    epoch: Epoch.fromOctets(octets(list.epoch), accumulator),
    witness: MembershipWitness.fromOctets(octets(list.witness), accumulator),
    revoked: false,
  };
  return { id, credential: held, schema, issuerKey, received, standing };
}

const questions = {
  open: (link: string, code?: string) => part.open(parseLink(link), code),
  choose: (id: string, choice: Choice) => part.choose(id, choice),
  agree: (id: string, choice: Choice) => part.agree(id, choice),
  decline: (id: string) => part.decline(id),
  resume: async () => resumeShowing(opened, await server()),
  settle: () => part.settle(),
  unsent: () => part.unsent(),
  uses: () => part.uses(),
  use: (id: string) => part.use(id),
  receipt: async (id: string) => hex(await part.receipt(id)),
  anchor: async () => {
    const policy = await witnessPolicy(opened);
    return policy && anchor(opened, policy);
  },
  /** What is stored of all uses: the message, the sealed note, and what the note says. */
  stored: () => opened.store.read(async (draft) => Promise.all([...await usagesIn(draft), ...await eventsIn(draft)].map(
    async (each) => [
      each.state, hex("message" in each ? each.message : each.call.message), hex(each.holderNote),
      hex((await opened.store.uses.openNote(each.holderNote)) ?? new Uint8Array()),
    ]))),
  /** Two yeses at once; what became of each. */
  both: (id: string, choice: Choice) => Promise.all([1, 2].map(async () => {
    try {
      return (await part.agree(id, choice)).state;
    } catch (error) {
      return faultOf(error).reason;
    }
  })),
  /** Change one octet of a stored receipt, near its end. */
  spoil: (id: string) => opened.store.change(async (draft) => {
    const usage = await usageIn(draft, id);
    if (usage.receipt === null) throw new Error("there is none");
    const changed = usage.receipt.octets.slice();
    changed[changed.length - 9]! ^= 1;
    putUsage(draft, { ...usage, receipt: { ...usage.receipt, octets: changed } });
  }),
  /** What the part that keeps credentials was told. */
  revoked: async () => composite.filter(({ standing }) => standing?.revoked).map(({ id }) => id),
};
type Question = keyof typeof questions;

Object.assign(window, {
  showing: {
    /** Begin with a vault of this name, made if there is none; the credentials stay as they are. */
    async begin(vault: string, log: string, holder: string): Promise<void> {
      const passphrase = "correct horse, ärgert";
      const there = await SealedStore.exists(vault);
      const store = await (there ? SealedStore.unlock(vault, passphrase) : SealedStore.create(vault, passphrase));
      const [key, now] = [logKeyOf(log), () => Date.now() / 1000];
      opened = { store, reader: new PublishedReader(store, key, now, new Growing(store, key).saw), log: key, now };
      secret = HolderSecret.fromOctets(octets(holder));
      part = new ShowingPart(opened, holdings, server, () => Promise.resolve());
    },
    give(all: readonly GivenComposite[]): void {
      composite = all.map(compositeOf);
    },
    trust(name: string, digest: string): void {
      regulators = [{ name, displayName: new LocalizedText("检察院", "Prosecutor"), digest: octets(digest) }];
    },
    givePlain(all: readonly Omit<GivenComposite, "list">[]): void {
      plain = all.map(({ id, schema: canonical, key, credential, received }) => {
        const schema = Schema.fromBytes(octets(canonical));
        const held = PlainCredential.fromBytes(octets(credential), schema);
        return { id, received, schema, issuerKey: IssuerKey.fromRecord(octets(key)), credential: held };
      });
    },
    async ask(question: Question, given: readonly never[]): Promise<unknown> {
      try {
        return { value: await (questions[question] as (...all: unknown[]) => Promise<unknown>)(...given) };
      } catch (error) {
        return { fault: faultOf(error), said: String(error), stack: error instanceof Error ? error.stack : "" };
      }
    },
  },
});
