/** What a proof costs in Node: `npm run bench`. The first of a process is told apart, since nothing is compiled yet. */

import { presentComposite } from "../src/composite/present.js";
import { City } from "./city.js";
import { ours } from "./support.js";

const ROUNDS = 21;
const vectors = ours("composite.json");

function timed<T>(act: () => T): [number, T] {
  const begun = performance.now();
  const result = act();
  return [performance.now() - begun, result];
}

const [reading, city] = timed(() => new City(vectors));
process.stdout.write(`reading what is published: ${reading.toFixed(0)} ms\n`);
for (const answer of vectors.answers) {
  const [first] = timed(() => presentComposite(city.asked(answer)));
  const rounds = Array.from({ length: ROUNDS }, () => timed(() => presentComposite(city.asked(answer)))[0]);
  rounds.sort((one, other) => one - other);
  const median = rounds[(ROUNDS - 1) / 2]!;
  process.stdout.write(`${answer.name}: first ${first.toFixed(0)} ms, median of ${ROUNDS} ${median.toFixed(0)} ms\n`);
}
