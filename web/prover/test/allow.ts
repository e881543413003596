/**
 * What a vault says of policies and requests, as a program: octets come in as JSON, what is said of each goes out as JSON.
 *
 * Not a test: those of Python run it, and compare.
 */

import { readFileSync } from "node:fs";

import { hex } from "../src/bbs/octets.js";
import { CompositeRequest } from "../src/composite/request.js";
import { checkAllowed } from "../src/disclosure/allowance.js";
import { DisclosureError } from "../src/disclosure/errors.js";
import { RegisteredPolicy } from "../src/disclosure/policy.js";
import { PlainRequest } from "../src/plain/request.js";
import { octets } from "./support.js";

/** What an act gives, or what it refuses with the places of all that is too much. */
function said(act: () => string): readonly string[] {
  try {
    return [act()];
  } catch (error) {
    if (!(error instanceof DisclosureError)) throw error;
    return [error.message, ...error.violations.map((each) => `${each.field}: ${each.detail}`)];
  }
}

const given = JSON.parse(readFileSync(0, "utf8"));
const read = { plain: PlainRequest.fromBytes, composite: CompositeRequest.fromBytes };
const records = given.records.map((each: string) => said(() => hex(RegisteredPolicy.fromBytes(octets(each)).canonical)));
const asked = given.asked.map(([form, request, policy]: ["plain" | "composite", string, string]) =>
  said(() => (checkAllowed(read[form](octets(request)), RegisteredPolicy.fromBytes(octets(policy))), "")));
process.stdout.write(JSON.stringify({ records, asked }));
