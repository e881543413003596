// Reads vaults and requests from its input and says of each how the request would be answered, or why not:
// tests/web/test_vault_planning.py compares that with what Python's planner says. The first argument is the folder in
// which the compiled code lies.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const load = (name) => import(pathToFileURL(`${process.argv[2]}/${name}.js`).href);
const [{ Contents, planComposite }, { City }, { octets }, { CompositeRequest }, { hex }, { HolderSecret }] =
  await Promise.all([
    load("pages/src/vault/showing/plan"), load("prover/test/city"), load("prover/test/vectors"),
    load("prover/src/composite/request"), load("prover/src/bbs/octets"), load("prover/src/composite/credential"),
  ]);

const given = JSON.parse(readFileSync(0, "utf8"));
const known = new Map();

function held(each, city) {
  const { credential, witness } = city.holding(each.credential);
  const standing = witness === null ? null : { list: null, epoch: null, witness, revoked: each.revoked };
  const schema = city.schema(credential.schema.text);
  const issuerKey = city.directory.issuerKey(credential.issuerKey);
  return { id: each.id, credential, schema, issuerKey, received: each.received, standing };
}

function told(plan) {
  const branches = plan.branches.map((each) => ({
    branch: each.branch.id,
    chosen: Object.fromEntries([...each.chosen].map(([query, one]) => [query, one.id])),
    fitting: Object.fromEntries([...each.fitting].map(([query, all]) => [query, all.map((one) => one.id)])),
    missing: each.missing.map(({ place, lack, applyFor, predicate, regulator }) => [
      place, lack, applyFor.map((name) => name.text), predicate !== null, regulator && hex(regulator),
    ]),
  }));
  const { branch, answerable, isFirst, isOpen } = plan;
  const whole = { branches, branch, answerable, isFirst, isOpen };
  if (plan.missing.length > 0) return whole;
  const answers = plan.credentialAnswers().map((each) => [
    each.query, each.schema.text, [...each.values.keys()].sort(), each.epoch && String(each.epoch.number),
  ]);
  return { ...whole, behind: plan.behind.map((each) => each.id), answers };
}

function planned(asked) {
  const city = known.get(asked.city) ?? new City(given.cities[asked.city], true);
  known.set(asked.city, city);
  // Schemas and keys of credentials are those of the vault, whatever is published now.
  const home = known.get("home") ?? new City(given.cities.home, true);
  known.set("home", home);
  const contents = new Contents(
    HolderSecret.fromOctets(octets(given.cities.home.holders.alice)),
    asked.held.map((each) => held(each, home)), asked.trusted.map(octets),
  );
  const request = CompositeRequest.fromBytes(octets(asked.request));
  const { freshSince } = asked;
  const pinned = new Map(Object.entries(asked.pinned));
  let plan = planComposite(
    request, contents, city.directory, asked.now, { branch: asked.branch ?? undefined, pinned, freshSince },
  );
  for (const [query, credential] of asked.choices) {
    plan = credential === null ? plan.chooseBranch(query) : plan.choose(query, credential);
  }
  return told(plan);
}

for (const asked of given.cases) {
  let said;
  try {
    said = planned(asked);
  } catch (error) {
    if (error.reason === undefined) throw error;
    said = { refused: error.reason };
  }
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
