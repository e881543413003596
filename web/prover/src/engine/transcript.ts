// The transcript: everything that a proof is about, hashed into its challenge. The octets are those of
// bbs/engine/transcript.py, which says what they are.

import {
  Base, type Constraint, type Equation, invalid, type Sent, type SignatureCheck, type Statement, type Term,
} from "./statement.js";
import { concat, scalarToOctets, utf8 } from "./suite.js";

const PROTOCOL = utf8("zk-composite/v1");
const CHALLENGE_DST = utf8("ZK_COMPOSITE_V1_CHALLENGE_");

/** Labelled octets that a proof is bound to. Every label occurs once: InputError INVALID_STATEMENT. */
export type Context = readonly (readonly [string, Uint8Array])[];

type Labelled = readonly [Uint8Array, Uint8Array];

/** c for compressed sent points and commitments, each one after the other. */
export function challenge(statement: Statement, context: Context, points: Uint8Array, T: Uint8Array): bigint {
  const { suite } = statement;
  const octets = items([
    [utf8("protocol"), PROTOCOL],
    [utf8("suite"), suite.id],
    [utf8("context"), contextOctets(context)],
    [utf8("statement"), statementOctets(statement)],
    [utf8("points"), points],
    [utf8("T"), T],
  ]);
  return suite.hashToScalar(octets, concat(suite.id, CHALLENGE_DST));
}

/** Encode a context; InputError INVALID_STATEMENT if a label occurs twice. */
export function contextOctets(context: Context): Uint8Array {
  const labels = new Set<string>();
  for (const [label] of context) {
    if (labels.has(label)) throw invalid(`the context's label ${label} is there twice`);
    labels.add(label);
  }
  return items(context.map(([label, value]) => [utf8(label), value]));
}

/** Encode a statement: different statements have different octets. */
export function statementOctets(statement: Statement): Uint8Array {
  return concat(
    ...statement.witnesses.map((name) => declared("witness", name)),
    ...statement.sent.map((name) => declared(kind(statement, name), name)),
    ...statement.equations.map((each) => item(utf8("equation"), equation(each))),
    ...statement.constraints.map((each) => item(utf8("constraint"), constraint(each))),
    ...statement.checks.map((each) => item(utf8("check"), check(each))),
  );
}

function kind(statement: Statement, name: Sent): string {
  if (!statement.inner.has(name)) return "sent";
  return statement.nonzero.has(name) ? "nonzero" : "inner";
}

function equation({ label, Y, terms }: Equation): Uint8Array {
  const left = items(Y.map(([point, scalar]) => [pointOctets(point), scalarToOctets(scalar)]));
  const right = items(terms.map(([name, point]) => [utf8(name), pointOctets(point)]));
  return concat(declared("label", label), item(utf8("Y"), left), item(utf8("terms"), right));
}

function constraint({ defined, k, terms }: Constraint): Uint8Array {
  const right = items(terms.map(([name, a]) => [utf8(name), scalarToOctets(a)]));
  return items([[utf8(defined), scalarToOctets(k)], [utf8("terms"), right]]);
}

function check({ C, D, key }: SignatureCheck): Uint8Array {
  return items([[utf8(C), utf8(D)], [utf8("key"), key]]);
}

function pointOctets(point: Term): Uint8Array {
  return point instanceof Base ? concat(utf8("base"), point.octets) : concat(utf8("sent"), utf8(point));
}

function declared(label: string, name: string): Uint8Array {
  return item(utf8(label), utf8(name));
}

function items(all: readonly Labelled[]): Uint8Array {
  return concat(...all.map(([label, value]) => item(label, value)));
}

function item(label: Uint8Array, value: Uint8Array): Uint8Array {
  return concat(length(label), label, length(value), value);
}

function length(octets: Uint8Array): Uint8Array {
  const encoded = new Uint8Array(4);
  new DataView(encoded.buffer).setUint32(0, octets.length);
  return encoded;
}
