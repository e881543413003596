/** A worker in a browser that proves what it is told, as a vault's does. Not a test: those of Python run it. */

import {
  IssuerKey,
  PlainCredential,
  PlainRequest,
  Schema,
  checkCredential,
  presentPlain,
} from "../src/index.js";
import { hex } from "../src/bbs/octets.js";
import { presentComposite } from "../src/composite/present.js";
import { City } from "./city.js";
import { octets, stream } from "./vectors.js";

declare const self: {
  onmessage: ((event: { data: any }) => void) | null;
  postMessage(message: unknown): void;
};

/** Answer one of the vectors' presentations, with its randomness or with the browser's own. */
function plain({ vectors, place, seeded }: any): string {
  const each = vectors.presentations[place];
  const answers = each.answers.map((at: number) => {
    const { schema: of, key, octets: kept } = vectors.credentials[at];
    const [schema, issuerKey] = [Schema.fromBytes(octets(vectors.schemas[of])), IssuerKey.fromRecord(octets(vectors.keys[key]))];
    const credential = checkCredential(PlainCredential.fromBytes(octets(kept), schema), schema, issuerKey);
    return { credential, schema, issuerKey };
  });
  const beside = { usageTag: octets(each.usageTag), noteHash: octets(each.noteHash) };
  const rng = seeded ? stream(octets(each.seed)) : undefined;
  return hex(presentPlain(PlainRequest.fromBytes(octets(each.request)), answers, beside, each.now, rng));
}

let city: City | undefined;

/**
 * Answer one of the composite form's; what is published is read at the first, each credential at its own. `known` says
 * that the tables were verified when they came.
 */
function composite({ vectors, place, seeded, known }: any): string {
  city ??= new City(vectors, known);
  const answer = vectors.answers[place];
  const asked = city.asked(answer);
  const random = seeded ? { random: stream(octets(answer.seed)) } : {};
  return hex(presentComposite({ ...asked, ...random }).presentation.canonical);
}

const kinds: Record<string, (given: any) => unknown> = { plain, composite };

self.onmessage = ({ data }) => {
  const begun = performance.now();
  try {
    self.postMessage({ answer: kinds[data.kind]!(data), milliseconds: performance.now() - begun });
  } catch (error) {
    self.postMessage({ error: String(error) });
  }
};
