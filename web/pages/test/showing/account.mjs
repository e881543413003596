// Reads what is to be signed from its input and writes what the page's vault signs: tests/web/test_vault_account.py compares
// it with Python's. The first argument is the folder in which the compiled code lies.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const load = (name) => import(pathToFileURL(`${process.argv[2]}/${name}.js`).href);
const [{ codeHash, registration, sessionSignature }, { parseVerifier }, { hex, utf8 }, appointing] = await Promise.all([
  load("pages/src/vault/account/keys"), load("pages/src/ledger/keys"), load("pages/src/ledger/encoding"),
  load("pages/src/vault/account/appointing"),
]);
const octets = (digits) => Uint8Array.from(Buffer.from(digits, "hex"));
const kinds = {
  code: ({ code }) => [codeHash(code)],
  register({ code, seed, log }) {
    const { publicKey, signature, digest } = registration(code, octets(seed), parseVerifier(log));
    return [publicKey, signature, digest];
  },
  session: ({ party, log, time, nonce, seed }) =>
    [sessionSignature(party, parseVerifier(log), time, octets(nonce), octets(seed))],
  agent({ code }) {
    const read = appointing.agentCodeOf(code);
    return [utf8(read.account), read.commit, utf8(appointing.codeText(read))];
  },
  appoint({ agent, scopes, until, nonce, requestId, note, company, ...said }) {
    const made = {
      ...said, agent: appointing.agentCodeOf(agent), scopes: appointing.scopesOf(scopes), until, nonce: octets(nonce),
    };
    return [appointing.appointedDigest(made), appointing.appointMessage(made, company, requestId, octets(note))];
  },
  end: ({ name, requestId, note }) => [appointing.endedDigest(name), appointing.endMessage(name, requestId, octets(note))],
  day: ({ day }) => [utf8(JSON.stringify(appointing.dayOf(day)))],
};
const answers = JSON.parse(readFileSync(0, "utf8")).map(([kind, given]) => {
  try {
    return kinds[kind](given).map(hex);
  } catch (error) {
    if (error.reason === undefined) throw error;
    return error.reason;
  }
});
process.stdout.write(JSON.stringify(answers));
