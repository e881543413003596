/**
 * A holder of the composite form as a program: a city and what to do in it come in as JSON, and for each step a line of
 * JSON goes out.
 *
 * The randomness is the system's. Not a test: those of Python run it, and verify what it says.
 */

import { readFileSync } from "node:fs";

import { MembershipWitness } from "../src/accumulator/list.js";
import { fromInteger, hex, toInteger } from "../src/bbs/octets.js";
import { BbsError } from "../src/bbs/errors.js";
import { checkRequest } from "../src/composite/compiler.js";
import { CompositeCredential } from "../src/composite/credential.js";
import { missingIn } from "../src/composite/holding.js";
import { acceptCredential, askForCredential, PendingCredential, readIssued } from "../src/composite/issuance.js";
import { presentComposite } from "../src/composite/present.js";
import { CompositeRequest } from "../src/composite/request.js";
import { IssuanceTerms } from "../src/composite/terms.js";
import { DisclosureError } from "../src/disclosure/errors.js";
import { Schema } from "../src/disclosure/schema.js";
import { City } from "./city.js";
import { octets } from "./vectors.js";

const given = JSON.parse(readFileSync(0, "utf8"));
const city = new City(given.city, given.known);

const steps: Record<string, (step: any) => unknown> = {
  /** Answer a question. */
  present(step) {
    const presented = presentComposite(city.asked(step));
    presented.checkOwnProof();
    return {
      presentation: hex(presented.presentation.canonical),
      blind: presented.pending && hex(fromInteger(presented.pending.blind, 32)),
      kept: Object.fromEntries([...presented.kept].map(([name, each]) => [name, hex(each.toOctetsSecret())])),
    };
  },

  /** Say what is missing for an answer. */
  missing(step) {
    const { request, branch, holdings, directory, now } = city.asked(step);
    const [place, asked] = request.branch(branch);
    return missingIn(asked, `branches[${place}]`, holdings, directory, now).map((each) => [each.reason, each.place]);
  },

  /** Look at a request, as a vault does before it shows it. */
  check(step) {
    checkRequest(CompositeRequest.fromBytes(octets(step.request)), city.directory);
    return {};
  },

  /** Read octets of some kind. */
  read(step) {
    reading[step.what]!(octets(step.octets), step);
    return {};
  },

  /** Ask for a base credential. */
  ask(step) {
    const terms = IssuanceTerms.fromBytes(octets(step.terms));
    const key = city.directory.issuerKey(terms.issuerKey);
    const asked = askForCredential(terms, city.secret(step.holder), city.schema(terms.schema.text), key);
    return { commitment: hex(asked.commitment), blind: hex(fromInteger(asked.pending.blind, 32)) };
  },

  /** Take what a department sends, if it is true, and store it. */
  accept(step) {
    const terms = IssuanceTerms.fromBytes(octets(step.terms));
    const schema = city.schema(terms.schema.text);
    const key = city.directory.issuerKey(terms.issuerKey);
    const list = city.directory.accumulator(octets(step.accumulator), "");
    const pending = new PendingCredential(terms, toInteger(octets(step.blind)));
    const witness = MembershipWitness.fromOctets(octets(step.witness), list.key);
    const issued = readIssued(octets(step.issued), schema);
    const kept = acceptCredential(pending, issued, city.secret(step.holder), schema, key, list, witness, step.now);
    return { credential: hex(kept.toBytes(schema)) };
  },
};

const reading: Record<string, (octets: Uint8Array, step: any) => unknown> = {
  request: CompositeRequest.fromBytes,
  schema: Schema.fromBytes,
  terms: IssuanceTerms.fromBytes,
  credential: (stored, step) => CompositeCredential.fromBytes(stored, city.schema(step.schema)),
};

for (const step of given.steps) process.stdout.write(`${JSON.stringify(done(step))}\n`);

/** What a step gives, or the reason and the place of its refusal. */
function done(step: any): unknown {
  try {
    return steps[step.kind]!(step);
  } catch (error) {
    if (error instanceof DisclosureError) return { reason: error.reason, field: error.field };
    if (error instanceof BbsError) return { reason: error.reason, field: "" };
    throw error;
  }
}
