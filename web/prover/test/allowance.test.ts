/** What requests of both forms ask beyond policies: every pair of the vectors is told as Python tells it. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { CompositeRequest } from "../src/composite/request.js";
import { checkAllowed, excessOf, policyOf } from "../src/disclosure/allowance.js";
import { RefusedError } from "../src/disclosure/errors.js";
import { AllowedItem, RegisteredPolicy } from "../src/disclosure/policy.js";
import { PlainRequest } from "../src/plain/request.js";
import { octets, ours, reasonOf } from "./support.js";

const vectors = ours("allowance.json");
const KINDS = ["purpose", "item", "shown", "proven", "list", "pseudonym", "escrow", "foreign"];

/** What the policies of the vectors allow and the requests do not need. */
const IDLE = { plain: ["proven name"], composite: [] };

function refused(act: () => void): RefusedError | null {
  try {
    act();
  } catch (error) {
    if (error instanceof RefusedError) return error;
    throw error;
  }
  return null;
}

for (const [form, read] of [["plain", PlainRequest.fromBytes], ["composite", CompositeRequest.fromBytes]] as const) {
  const { requests, policies, cases } = vectors[form];
  const asked = (name: string) => read(octets(requests[name]));
  const allowed = (name: string) => RegisteredPolicy.fromBytes(octets(policies[name]));

  test(`what a request of the ${form} form asks too much has its kind, place and sentence`, () => {
    const kinds = new Set<string>();
    for (const { request, policy, excess } of cases) {
      const found = excessOf(asked(request), allowed(policy));
      const told = found.map((each) => `${each.kind} ${each.field}: ${each.detail}`);
      assert.deepEqual(told, excess, `${request}, measured by: ${policy}`);
      for (const { kind } of found) kinds.add(kind);
    }
    assert.deepEqual(KINDS.filter((each) => kinds.has(each)), form === "plain" ? KINDS.slice(0, 3) : KINDS);
    assert.equal(kinds.size, form === "plain" ? 3 : KINDS.length);
  });

  test(`a request of the ${form} form is held to the policy that it names, and to no other`, () => {
    const reasons = new Set<string>();
    for (const { request, policy, refused: expected, excess } of cases) {
      const error = refused(() => checkAllowed(asked(request), allowed(policy)));
      assert.equal(error && error.message, expected, `${request}, measured by: ${policy}`);
      const over = error?.reason === "OVER_ASKING" ? excess : [];
      const violations = (error?.violations ?? []).map((each) => `${each.field}: ${each.detail}`);
      assert.deepEqual(violations, over.map((each: string) => each.slice(each.indexOf(" ") + 1)));
      reasons.add(error?.reason ?? "");
    }
    assert.deepEqual([...reasons].sort(), ["", "OVER_ASKING", "POLICY_UNKNOWN"]);
    assert.equal(reasonOf(() => policyOf(asked("no policy"))), "POLICY_UNKNOWN");
  });

  test(`a request of the ${form} form keeps to its policy, and to none with one permission less`, () => {
    const [request, policy] = [asked("what is allowed"), allowed("the policy")];
    assert.deepEqual(excessOf(request, policy), []);
    const idle: string[] = [];
    for (const [name, narrower] of narrowed(policy)) if (excessOf(request, narrower).length === 0) idle.push(name);
    assert.deepEqual(idle, IDLE[form]);
  });
}

/** A policy without each single thing that it allows, and what that is. */
function* narrowed(policy: RegisteredPolicy): Iterable<readonly [string, RegisteredPolicy]> {
  const but = (changes: object) => new RegisteredPolicy({ ...policy, ...changes });
  const without = <T>(all: readonly T[], place: number) => all.filter((_, at) => at !== place);
  for (const [at, each] of policy.items.entries()) {
    yield [`item ${each.item}`, but({ items: without(policy.items, at) })];
    for (const field of ["shown", "proven"] as const) {
      for (const [place, attribute] of each[field].entries()) {
        const parts = { shown: each.shown, proven: each.proven, [field]: without(each[field], place) };
        const item = new AllowedItem(each.department, each.item, parts.shown, parts.proven);
        yield [`${field} ${attribute}`, but({ items: policy.items.map((other) => (other === each ? item : other)) })];
      }
    }
  }
  for (const at of policy.scopes.keys()) yield [`scope ${at}`, but({ scopes: without(policy.scopes, at) })];
  for (const at of policy.escrows.keys()) yield [`escrow ${at}`, but({ escrows: without(policy.escrows, at) })];
  for (const at of policy.lists.keys()) yield [`list ${at}`, but({ lists: without(policy.lists, at) })];
  if (policy.foreign) yield ["foreign numbers", but({ foreign: false })];
}
