// Reads requests that come with offers, and their terms, from its input, and says whether a vault answers them:
// tests/web/test_vault_offers.py compares that with Python. The first argument is the folder of the compiled code.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

globalThis.location = new URL("https://localhost/"); // where a page would be: nothing is fetched
const load = (name) => import(pathToFileURL(`${process.argv[2]}/${name}.js`).href);
const [{ offerRequestOf }, { IssuanceTerms }] = await Promise.all([
  load("pages/src/vault/showing/offers"), load("prover/src/composite/terms"),
]);
const octets = (digits) => Uint8Array.from(Buffer.from(digits, "hex"));
const answers = JSON.parse(readFileSync(0, "utf8")).map(([request, terms]) => {
  try {
    offerRequestOf(octets(request), IssuanceTerms.fromBytes(octets(terms)));
    return "good";
  } catch (error) {
    if (error.reason === undefined) throw error;
    return `${error.reason}: ${error.detail}`;
  }
});
process.stdout.write(JSON.stringify(answers));
