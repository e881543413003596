// Reads keys, records and requests of standing consents from its input and writes what the page's vault makes of them:
// tests/web/test_vault_consents.py compares it with Python's. The first argument is the folder in which the compiled code lies.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const load = (name) => import(pathToFileURL(`${process.argv[2]}/${name}.js`).href);
const [
  { agedConsent, checkUnder, consentOctets, consentOf, knownAs }, { Keys }, { parseVerifier, verifierText }, { parseLink, writeLink },
  { LocalizedText }, { termsOf }, { requestOf }, { decode, encode }, { hex }, { settleConsents },
] = await Promise.all([
  "pages/src/vault/consents/records", "pages/src/vault/store/keys", "pages/src/ledger/keys", "pages/src/scan/links",
  "prover/src/disclosure/attributes", "prover/src/disclosure/standing", "pages/src/vault/showing/usages",
  "prover/src/disclosure/canonical", "prover/src/bbs/octets", "pages/src/vault/consents/settling",
].map(load));
const octets = (digits) => Uint8Array.from(Buffer.from(digits, "hex"));
const LABEL = "zk-disclosure/web-consent/v1";

function held({ id = "0".repeat(32), state, link, called, uses, log, payload, signature }) {
  const signed = { payload: octets(payload), signature: octets(signature) };
  return {
    id, state, link: parseLink(link), called: new LocalizedText(...called), signed, terms: termsOf(signed), uses,
    log: log === null ? null : parseVerifier(log),
  };
}

function told({ state, link, called, signed, terms, uses, log }) {
  return [
    state, writeLink(link), [called.zh, called.en], uses, log && verifierText(log), hex(signed.payload), hex(signed.signature),
    hex(terms.digest),
  ];
}

/** What reading gives of a record that is cut, goes on, and has each of its items left out or of another kind. */
function damaged(record) {
  const items = decode(LABEL, record, 1 << 18);
  const others = [null, true, "nothing", new Uint8Array(3), -1, [], ["nothing"]];
  const changed = items.flatMap((_, at) => [
    encode(LABEL, ...items.slice(0, at), ...items.slice(at + 1)),
    ...others.map((each) => encode(LABEL, ...items.with(at, each))),
  ]);
  const all = [record.slice(0, -1), encode(LABEL, ...items, null), ...changed];
  return all.filter((each) => hex(each) !== hex(record)).map((each) => {
    try {
      return told(consentOf("0", each)).length > 0 && "read";
    } catch (error) {
      return error.reason ?? String(error);
    }
  });
}

const kinds = {
  async key({ dataKey, log, consent, terms }) {
    const keys = await Keys.of(octets(dataKey));
    return hex(await keys.uses.consentSeed(log, consent, octets(terms)));
  },
  record(given) {
    const record = consentOctets(held(given));
    return { told: told(consentOf("0", record)), damaged: damaged(record) };
  },
  check({ held: given, request, now }) {
    checkUnder(held(given), requestOf({ payload: octets(request) }), now);
    return "";
  },
  known: ({ held: all, link, payload, signature }) =>
    knownAs(all.map(held), parseLink(link), termsOf({ payload: octets(payload), signature: octets(signature) }))?.id ?? null,
  aged(given) {
    const value = agedConsent({ kind: "consent", name: "0", value: consentOctets(held(given)) });
    return value === null ? null : told(consentOf("0", value));
  },
  /** The state of a consent once what the ledger has of others is believed; the vault has no use of its own. */
  async settled({ held: given, verifier, withdrawn, used }) {
    let stored = consentOctets(held(given));
    const draft = {
      list: async (kind) => (kind === "consent" ? [{ name: given.id, value: stored }] : []),
      put: (_, value) => (stored = value),
    };
    const notes = [
      ...withdrawn.map((digest) => ({ event: { kind: "consent-withdrawn", digest: octets(digest) } })),
      ...used.map((time) => ({ use: { verifier, time } })),
    ];
    await settleConsents(draft, [null, ...notes].map((said) => ({ found: { holderNote: new Uint8Array(1) }, said })));
    return consentOf(given.id, stored).state;
  },
  link: (written) => writeLink(parseLink(written)),
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
