// Tells the consents of errands as the vault's page does, from bundles, what is declared, and what each counter is shown.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { octets } from "./published.mjs";

const load = (name) => import(pathToFileURL(join(process.argv[2], `${name}.js`)).href);
const [{ ErrandBundle }, { errandScreen }, { said }, { Day }] = await Promise.all([
  load("pages/src/vault/errands/bundle"), load("pages/src/vault/telling/errands"), load("pages/src/vault/telling/said"),
  load("prover/src/disclosure/attributes"),
]);

const text = (items) => items && { zh: items[0], en: items[1] };
const value = ([type, written]) =>
  type === "date" ? new Day(Date.parse(`${written}T00:00:00Z`) / 86_400_000) : type === "text" ? written : BigInt(written);

function screen({ bundle: canonical, parts, ends }) {
  const bundle = ErrandBundle.fromBytes(octets(canonical));
  const made = parts.map(({ part, values, seen, asked }) => ({
    counter: bundle.counter(part),
    values: new Map(Object.entries(values).map(([name, each]) => [name, value(each)])),
    seen: seen.map(([same, name, schema]) => ({ same, name: text(name), schema: text(schema) })),
    asked: asked.map(([style, zh, en]) => said(style, { zh, en })),
  }));
  return errandScreen(bundle, made, ends).map(({ style, text: { zh, en } }) => [style, zh, en]);
}

console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(screen)));
