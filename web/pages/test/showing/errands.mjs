// Reads bundles, asks, forms and errands from its input and writes what the page's vault makes of them:
// tests/web/test_vault_errands.py compares it with Python's. The first argument is the folder in which the compiled code lies.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

import { fromBinary } from "@bufbuild/protobuf";

const load = (name) => import(pathToFileURL(`${process.argv[2]}/${name}.js`).href);
const vault = (name) => load(`pages/src/vault/${name}`);
const [
  { BundleName, dayWritten, ErrandBundle }, { abandonmentDigest, PartAsk, PartName, submissionDigest }, { Form }, records,
  { bundleOf, toldOf }, { distrust, trust, trustedIn }, { ErrandBundleSchema, ErrandSchema }, { hex }, { Day, LocalizedText },
] = await Promise.all([
  vault("errands/bundle"), vault("errands/asking"), vault("errands/form"), vault("errands/records"), vault("errands/view"),
  vault("holding/regulators"), load("pages/gen/zkproto/v1/errand_pb"), load("pages/src/ledger/encoding"),
  load("prover/src/disclosure/attributes"),
]);
const octets = (digits) => Uint8Array.from(Buffer.from(digits, "hex"));
const bundleIn = ({ bundle }) => ErrandBundle.fromBytes(octets(bundle));
const counterIn = (given) => bundleIn(given).counter(given.part);
const fieldIn = (given) => counterIn(given).fields.find(({ id }) => id === given.field);
const askIn = ({ name, of, counter, request, key }) =>
  new PartAsk(PartName.parse(name), BundleName.parse(of), counter, octets(request), octets(key));
const written = (value) =>
  value instanceof Day ? ["date", dayWritten(value)] : typeof value === "string" ? ["text", value] : ["number", String(value)];
const value = ([type, text]) =>
  type === "date" ? new Day(Date.parse(`${text}T00:00:00Z`) / 86_400_000) : type === "text" ? text : BigInt(text);
const valuesIn = ({ values }) => new Map(Object.entries(values).map(([name, each]) => [name, value(each)]));

/** A draft over a map: what a use case reads and writes. */
function draftOver(kept = new Map()) {
  const key = ({ kind, name }) => `${kind} ${name}`;
  return {
    get: async (place) => kept.get(key(place))?.value ?? null,
    list: async (wanted) => [...kept.values()].filter(({ kind }) => kind === wanted),
    put: (place, made) => void kept.set(key(place), { ...place, value: made }),
    remove: (place) => void kept.delete(key(place)),
  };
}

async function regulators(steps) {
  const draft = draftOver();
  const said = [];
  for (const [act, name, digest] of steps) {
    try {
      const one = { name, displayName: new LocalizedText(`检察院 ${name}`, name), digest: octets(digest) };
      await (act === "trust" ? trust(draft, one, said.length) : distrust(draft, one.digest));
      said.push((await trustedIn(draft)).map((each) => [each.name, each.displayName.en, hex(each.digest)]));
    } catch (error) {
      if (error.reason === undefined) throw error;
      said.push(error.reason);
    }
  }
  return said;
}

/** What is declared is remembered by what is asked, and what was begun is gone on with. */
async function kept(given) {
  const draft = draftOver();
  const bundle = bundleIn(given);
  const first = await records.beginErrand(draft, "a:1", bundle, 5);
  const again = await records.beginErrand(draft, "a:1", bundle, 6);
  const elsewhere = await records.beginErrand(draft, "b:1", bundle, 7);
  const ticket = records.ticketOf("errands/e", "t");
  await records.changeErrand(draft, first.id, () => ({ ticket }));
  const other = await records.beginErrand(draft, "a:1", bundle, 8);
  const counter = bundle.counter(given.part);
  records.putDeclared(draft, counter, valuesIn(given), 9);
  const declared = await records.declaredBefore(draft, counter);
  return [
    first.id === again.id, elsewhere.id === first.id, other.id === first.id, (await records.errandsIn(draft)).length,
    [...declared].map(([name, each]) => [name, written(each)]),
  ];
}

const kinds = {
  bundle(given) {
    const made = bundleIn(given);
    return [hex(made.canonical), hex(made.entry()), made.name.text];
  },
  message: ({ message }) => hex(bundleOf(fromBinary(ErrandBundleSchema, octets(message))).canonical),
  parsed: (given) => written(fieldIn(given).parse(given.written)),
  same: (given) => hex(fieldIn(given).sameEverywhere),
  checked: (given) => (counterIn(given).check(valuesIn(given)), true),
  ask: (given) => hex(askIn(given).signedBytes),
  tied: (given) => (askIn(given).check(octets(given.signature), octets(given.signer)), true),
  submission: ({ parts }) => hex(submissionDigest(parts.map(([name, presentation, form]) => (
    { part: PartName.parse(name), presentation: octets(presentation), sealedForm: octets(form) })))),
  abandonment: ({ errand }) => hex(abandonmentDigest(errand)),
  form(given) {
    const form = new Form(valuesIn(given), octets(given.salt));
    return [hex(form.octetsSecret()), hex(form.tagNonce)];
  },
  async sealed(given) {
    const form = new Form(valuesIn(given));
    return [hex(form.tagNonce), hex(await form.seal(askIn(given)))];
  },
  link: ({ server, errand, ticket }) => records.errandLink(server, records.ticketOf(errand, ticket)),
  stored: ({ record }) => hex(records.errandOctets(records.errandOf("", octets(record)))),
  declared: ({ record }) => written(records.declaredOf(octets(record))),
  told(given) {
    const told = toldOf(fromBinary(ErrandSchema, octets(given.message)), bundleIn(given), given.name);
    const parts = told.parts.map(({ part, name, state, told: all }) => [part, name.text, state, all.map((each) => (
      [each.state, each.time, each.message && [each.message.zh, each.message.en], each.document, each.offer]))]);
    return [told.state, told.isOver, told.isAsked, told.toSubmit.map(({ part }) => part), told.expires, parts];
  },
  regulators: ({ steps }) => regulators(steps),
  kept,
};

const answers = [];
for (const [kind, given] of JSON.parse(readFileSync(0, "utf8"))) {
  try {
    answers.push(await kinds[kind](given));
  } catch (error) {
    if (error.reason === undefined) throw error;
    answers.push(error.reason);
  }
}
process.stdout.write(JSON.stringify(answers));
