/**
 * What a vault says of standing consents, as a program: octets come in as JSON, what is said of each goes out as JSON.
 *
 * Not a test: those of Python run it, and compare.
 */

import { readFileSync } from "node:fs";

import { hex } from "../src/bbs/octets.js";
import { CompositeRequest } from "../src/composite/request.js";
import { Day } from "../src/disclosure/attributes.js";
import { DisclosureError } from "../src/disclosure/errors.js";
import { StandingTerms, templateOf } from "../src/disclosure/standing.js";
import { PlainRequest } from "../src/plain/request.js";
import { octets } from "./support.js";

type Asked = readonly ["plain" | "composite", string];
type Fields = readonly [string, number, number, number, number, number, string];

const read = { plain: PlainRequest.fromBytes, composite: CompositeRequest.fromBytes };
const given = JSON.parse(readFileSync(0, "utf8"));

/** What an act gives, or the reason why it is refused. */
function said(act: () => string): string {
  try {
    return act();
  } catch (error) {
    if (error instanceof DisclosureError) return error.reason;
    throw error;
  }
}

const asked = ([form, request]: Asked) => read[form](octets(request));

function written([template, times, intervalDays, until, created, expires, nonce]: Fields): string {
  const fields = { template: octets(template), times, intervalDays, until: new Day(until), created, expires, nonce: octets(nonce) };
  return hex(new StandingTerms(fields).canonical);
}

process.stdout.write(JSON.stringify({
  templates: given.asked.map((each: Asked) => said(() => hex(templateOf(asked(each))))),
  same: given.same.map(([terms, each]: readonly [string, Asked]) =>
    said(() => String(StandingTerms.fromBytes(octets(terms)).isSame(asked(each))))),
  written: given.terms.map((each: Fields) => said(() => written(each))),
  read: given.octets.map((each: string) => said(() => hex(StandingTerms.fromBytes(octets(each)).digest))),
}));
