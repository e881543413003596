// Reads uses and events with receipts from its input and says of each what the vault's page says of it:
// tests/web/test_vault_receipts.py compares that with Python. The first argument is the folder of the compiled code.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const load = (name) => import(pathToFileURL(`${process.argv[2]}/${name}.js`).href);
const [
  { checkEventReceipt, checkUsageReceipt }, { requestOf, usageOctets, usageOf }, { eventOf, eventRecord },
  { presentedOf }, { isComposite }, { Schema }, { UseKeys }, { parseVerifier }, { LocalizedText }, { decode, encode }, { hex },
] = await Promise.all([
  "pages/src/vault/showing/receipts", "pages/src/vault/showing/usages", "pages/src/vault/showing/events",
  "pages/src/vault/showing/presented", "prover/src/composite/request", "prover/src/disclosure/schema", "pages/src/vault/store/uses",
  "pages/src/ledger/keys", "prover/src/disclosure/attributes", "prover/src/disclosure/canonical", "prover/src/bbs/octets",
].map(load));
const octets = (digits) => Uint8Array.from(Buffer.from(digits, "hex"));
const given = JSON.parse(readFileSync(0, "utf8"));
const log = parseVerifier(given.log);
const uses = await UseKeys.of(octets(given.tags), new Uint8Array(32), new Uint8Array(32));
const called = new LocalizedText("校", "School");

function usage({ payload, signature, canonical, schemas, holderNote }) {
  const signed = { payload: octets(payload), signature: octets(signature) };
  const known = new Map(schemas.map((each) => Schema.fromBytes(octets(each))).map((each) => [each.name.text, each]));
  const facts = {
    lists: new Map([["ab", { owner: "authorities/city", codes: ["1", "2"] }]]),
    regulators: new Map([["cd", { name: "regulators/r", displayName: called, digest: new Uint8Array(32) }]]),
    epochs: new Map([["ef 1", 7]]), departments: new Map([["departments/d", called]]),
  };
  return {
    id: "0".repeat(32), state: "sent", time: 1, server: "h:1", verifierName: called, signed, request: requestOf(signed),
    canonical: octets(canonical), presented: presentedOf(octets(canonical), isComposite(signed.payload), known),
    schemas: known, facts, message: octets("00"), holderNote: octets(holderNote), receipt: null, reason: null, consent: null,
  };
}

function event({ note, holderNote }) {
  return {
    id: "1".repeat(32), state: "sent", note: { ...note, digest: octets(note.digest) }, called, server: "h:1",
    call: { method: "/a/b", message: octets("00"), session: "" }, holderNote: octets(holderNote), receipt: null, reason: null,
  };
}

/** What reading gives of a record that is cut, goes on, and has each of its items left out or of another kind. */
function damaged(label, record, read) {
  const items = decode(label, record, 1 << 22);
  const others = [null, true, "nothing", new Uint8Array(3), -1, [], ["nothing"]];
  const changed = items.flatMap((_, at) => [
    encode(label, ...items.slice(0, at), ...items.slice(at + 1)),
    ...others.map((each) => encode(label, ...items.with(at, each))),
  ]);
  const all = [record.slice(0, -1), encode(label, ...items, null), ...changed];
  return all.filter((each) => hex(each) !== hex(record)).map((each) => {
    try {
      read(each);
      return "read";
    } catch (error) {
      return error.reason ?? String(error);
    }
  });
}

const kinds = {
  usage: async (each) => String((await checkUsageReceipt(usage(each), octets(each.receipt), log, uses)).proof.index),
  event: async (each) => String(checkEventReceipt(event(each), octets(each.receipt), log).proof.index),
  async records(each) {
    const states = [{ state: "sent" }, { state: "answered", receipt: { octets: octets("01"), log } },
      { state: "refused", reason: "REPLAYED" }];
    const all = states.map((state) => ({ ...usage(each.usage), ...state }));
    const same = all.map((one) => hex(usageOctets(usageOf(one.id, usageOctets(one)))) === hex(usageOctets(one)));
    const wrong = [{ ...all[0], reason: "X" }, { ...all[1], receipt: null }, { ...all[2], reason: null }].map((one) => {
      try {
        usageOf(one.id, usageOctets(one));
        return "read";
      } catch (error) {
        return error.reason;
      }
    });
    const uses = damaged("zk-disclosure/web-usage/v1", usageOctets(all[0]), (one) => usageOf(all[0].id, one));
    const said = event(each.event);
    const roundtrip = hex(eventRecord(eventOf(said.id, eventRecord(said)))) === hex(eventRecord(said));
    const events = damaged("zk-disclosure/web-event/v1", eventRecord(said), (one) => eventOf(said.id, one));
    return { same, wrong, uses, roundtrip, events };
  },
};

const answers = [];
for (const [kind, each] of given.cases) {
  try {
    answers.push(await kinds[kind](each));
  } catch (error) {
    if (error.reason === undefined) throw error;
    answers.push(error.reason);
  }
}
process.stdout.write(JSON.stringify(answers));
