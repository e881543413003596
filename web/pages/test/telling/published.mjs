// What the vectors of consents are told from: schemas, lists, regulators, departments; and the code that tells.

import { join } from "node:path";
import { pathToFileURL } from "node:url";

export const octets = (hex) => new Uint8Array(Buffer.from(hex, "hex"));

/** The compiled code of the page and of the prover. */
export async function code(folder) {
  const load = (name) => import(pathToFileURL(join(folder, name)).href);
  const prover = (name) => load(`prover/src/${name}.js`);
  const telling = (name) => load(`pages/src/vault/telling/${name}.js`);
  const parts = await Promise.all([
    ...["composite/request", "disclosure/attributes", "disclosure/canonical", "disclosure/names", "disclosure/policy",
      "disclosure/schema", "plain/request"].map(prover),
    ...["asker", "earlier", "facts", "lacking", "saying", "told", "views"].map(telling),
  ]);
  return Object.assign({}, ...parts);
}

/** Everything that was published, as the vectors have it. */
export function publishedOf(made, { name, schemas, lists, regulators, departments, policy }) {
  const texts = ([zh, en]) => ({ zh, en });
  const known = new Map(schemas.map((each) => made.Schema.fromBytes(octets(each))).map((each) => [each.name.text, each]));
  const found = (all, key) => {
    if (!(key in all)) throw new Error(`${key} is not published`);
    return all[key];
  };
  return {
    name: new made.LocalizedText(...name),
    departments: new Map(Object.entries(departments).map(([each, text]) => [each, texts(text)])),
    policy: made.RegisteredPolicy.fromBytes(octets(policy)),
    trusted: regulators.map(([each, text, digest]) => (
      { name: each, displayName: new made.LocalizedText(...text), digest: octets(digest) })),
    schemas: known,
    directory: {
      schema: (each) => known.get(each.text),
      codeList: (digest) => {
        const [owner, codes] = found(lists, Buffer.from(digest).toString("hex"));
        return { owner, codes };
      },
    },
  };
}
