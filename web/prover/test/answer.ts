/**
 * A holder of the plain form as a program: what it is asked and holds comes in as JSON, its answers go out as lines.
 *
 * The randomness is the system's. Not a test: those of Python run it, and verify what it says.
 */

import { readFileSync } from "node:fs";

import { hex } from "../src/bbs/octets.js";
import { IssuerKey } from "../src/disclosure/key.js";
import { Schema } from "../src/disclosure/schema.js";
import { PlainCredential, checkCredential } from "../src/plain/credential.js";
import { planPlain, presentPlain } from "../src/plain/present.js";
import { openPlainRequest } from "../src/plain/request.js";
import { octets } from "./support.js";

const given = JSON.parse(readFileSync(0, "utf8"));
const schemas: Schema[] = given.schemas.map((each: string) => Schema.fromBytes(octets(each)));
const keys: IssuerKey[] = given.keys.map((each: string) => IssuerKey.fromRecord(octets(each)));
const held = given.credentials.map(({ schema: at, key: by, octets: kept }: any) => {
  const [schema, issuerKey] = [schemas[at]!, keys[by]!];
  const credential = checkCredential(PlainCredential.fromBytes(octets(kept), schema), schema, issuerKey);
  return { credential, schema, issuerKey };
});
for (const asked of given.asked) {
  const request = openPlainRequest(
    { payload: octets(asked.payload), signature: octets(asked.signature) }, () => octets(given.verifierKey),
  );
  const answers = planPlain(request, held, asked.now).map(({ fitting, lack }) => {
    if (lack !== null) throw new Error(lack);
    return fitting[0]!;
  });
  const beside = { usageTag: octets(asked.usageTag), noteHash: octets(asked.noteHash) };
  process.stdout.write(`${hex(presentPlain(request, answers, beside, asked.now))}\n`);
}
