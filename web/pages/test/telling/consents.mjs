// Tells consents as the vault's page does. Takes {published, cases, lacking, plain} as JSON, as scripts/web_vectors_telling.py
// writes it, and gives the lines of each in both languages, and the ways as the screens take them.

import { readFileSync } from "node:fs";

import { code, octets, publishedOf } from "./published.mjs";

const made = await code(process.argv[2]);
const given = JSON.parse(readFileSync(0, "utf8"));
const known = publishedOf(made, given.published);
const { departments, directory, trusted } = known;

function valueOf(attribute, item) {
  return item === null ? undefined : made.fromItem(attribute, made.decode("x", octets(item))[0]);
}

function answered({ query, schema: name, values, expiry, epoch, behind }) {
  const schema = known.schemas.get(name);
  const shown = Object.entries(values).map(([each, item]) => [each, valueOf(schema.attribute(each), item)]);
  const day = expiry === null ? null : new made.Day(expiry);
  return { query, credential: `id-${query}`, schema, values: new Map(shown), expiry: day, epoch, behind };
}

function lines(screen) {
  return screen.map(({ style, text }) => [style, text.zh, text.en]);
}

function composite({ request: written, branch: name, answers, past, record, policy }) {
  const request = made.CompositeRequest.fromBytes(octets(written));
  const [place, branch] = request.branch(name);
  const earlier = request.branches.slice(0, place).map((each) =>
    past ? { branch: each, reading: null } : made.earlierOf(each, directory, trusted));
  const consent = made.consentOf(request, {
    branch, answers: answers.map(answered), facts: made.factsOf(branch, directory, trusted), verifierName: known.name,
    departments, earlier,
  });
  const by = policy === undefined ? known.policy : made.RegisteredPolicy.fromBytes(octets(policy));
  const asker = record && { policy: by, record };
  const choices = new Map(answers.map((each) => [each.query, [
    { credential: `id-${each.query}`, schema: known.schemas.get(each.schema), lastDay: new made.Day(20_000) }]]));
  const way = made.wayOf(consent, choices);
  return { lines: lines(made.consentScreen(request, consent, asker)), way, past: made.pastLines(consent) };
}

function lacking({ request: written, chosen, missing }) {
  const [branch] = made.CompositeRequest.fromBytes(octets(written)).branches;
  const found = missing.map(({ lack, applyFor, predicate, regulator }) => ({
    lack,
    applyFor: applyFor.map((each) => made.SchemaName.parse(each)),
    predicate: predicate === null ? null : branch.predicates[predicate],
    regulator: regulator === null ? null : octets(regulator),
  }));
  const nearest = Object.entries(chosen).map(([query, name]) => [query, { schema: known.schemas.get(name) }]);
  return made.lackingWayOf({ branch, chosen: new Map(nearest), missing: found }, { directory, trusted, departments });
}

function plain({ request: written, schemas, answers, record }) {
  const request = made.PlainRequest.fromBytes(octets(written));
  const read = schemas.map((each) => made.Schema.fromBytes(octets(each)));
  const found = request.queries.map((query, at) => {
    const schema = read.find((each) => each.name.text === query.schema.text);
    const values = Object.fromEntries(Object.entries(answers[at].values).map(([each, item]) =>
      [each, valueOf(schema.attribute(each), item)]));
    return { query, credential: "id", schema, values, expiry: new made.Day(answers[at].expiry) };
  });
  const asker = record && { policy: known.policy, record };
  const way = made.plainWayOf(found, known.name, departments, new Map());
  return { lines: lines(made.plainScreen(request, found, known.name, asker, departments)), way };
}

console.log(JSON.stringify({
  cases: given.cases.map(composite), lacking: given.lacking.map(lacking), plain: (given.plain ?? []).map(plain),
}));
