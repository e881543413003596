// Says values as the vault's page does. Takes {attributes, values, moments} as JSON: definitions in canonical form, and
// for each the values, which are read as a schema's credentials are; gives the texts.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(join(folder, name)).href);
const { Schema } = await load("prover/src/disclosure/schema.js");
const { fromItem } = await load("prover/src/disclosure/attributes.js");
const { decode } = await load("prover/src/disclosure/canonical.js");
const { momentText, safe, valueText } = await load("pages/src/vault/telling/saying.js");

const octets = (hex) => new Uint8Array(Buffer.from(hex, "hex"));
const { schema, values, moments, texts } = JSON.parse(readFileSync(0, "utf8"));
const { attributes } = Schema.fromBytes(octets(schema));
const said = values.map(([place, item]) => {
  const attribute = attributes[place];
  if (item === null) return valueText(attribute, null);
  return valueText(attribute, fromItem(attribute, decode("x", octets(item))[0]));
});
console.log(JSON.stringify({ values: said, moments: moments.map(momentText), texts: texts.map(safe) }));
