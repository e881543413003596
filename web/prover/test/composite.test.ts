/** The composite form: answers, octet for octet those of the Python packages. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { hex } from "../src/bbs/octets.js";
import { checkRequest } from "../src/composite/compiler.js";
import { presentComposite } from "../src/composite/present.js";
import { City } from "./city.js";
import { octets, ours, stream } from "./support.js";

const vectors = ours("composite.json");
const city = new City(vectors);

for (const answer of vectors.answers) {
  test(`the answer to ${answer.name} is that of the Python packages`, () => {
    const asked = { ...city.asked(answer), random: stream(octets(answer.seed)) };
    checkRequest(asked.request, city.directory);
    const presented = presentComposite(asked);
    assert.equal(hex(presented.presentation.canonical), answer.presentation);
    assert.equal(hex(presented.presentation.digest), answer.digest);
    assert.equal(presented.pending === null ? null : presented.pending.blind.toString(16).padStart(64, "0"), answer.blind);
    const kept = [...presented.kept].map(([name, each]) => [name, hex(each.toOctetsSecret())]);
    assert.deepEqual(Object.fromEntries(kept), answer.kept);
    presented.checkOwnProof();
  });
}
