// Run by tests/clients/test_typescript.py, which starts the servers and says in GIVEN where and what they are.
import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync, randomUUID } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { fromJson, type JsonValue } from "@bufbuild/protobuf";
import { CreatePurposeRequestSchema } from "../gen/zkproto/v1/centre_pb.js";
import { CreatePolicyRequestSchema } from "../gen/zkproto/v1/policy_pb.js";
import { WatchExchangeResponse_State as State } from "../gen/zkproto/v1/presentation_pb.js";
import * as zk from "../src/index.js";

interface Given {
  server: string;
  root: string;
  log: string;
  admin: string;
  verifier: string;
  policy: string;
  schema: string;
  key: string;
  purposeRequest: JsonValue;
  policyRequest: JsonValue;
  vectors: { item: zk.Item; octets: string }[];
  signed: { nonce: string; created: number; payload: string; signature: string };
  otherRoot: string;
  hinting: string;
  passing: string;
  failing: string;
  hintRoot: string;
  proxy: string;
  folder: string;
}

const given = JSON.parse(readFileSync(process.env["GIVEN"] ?? "", "utf8")) as Given;
const opened: zk.Service[] = [];
const QUICK = { ...zk.RETRY_POLICY, first: 0.01, longest: 0.05 };

function open(options: Partial<zk.ServiceOptions> = {}): zk.Service {
  const service = new zk.Service({ server: given.server, root: given.root, ...options });
  opened.push(service);
  return service;
}

after(() => {
  for (const each of opened) each.close();
});

async function refused<T extends zk.ServiceError>(
  call: Promise<unknown>,
  kind: new (...given: never[]) => T,
): Promise<T> {
  try {
    await call;
  } catch (error) {
    assert.ok(error instanceof kind, `${String(error)} is no ${kind.name}`);
    return error;
  }
  assert.fail("it was not refused");
}

function request(verifier = given.verifier): zk.Request {
  return {
    verifier,
    policy: given.policy,
    purpose: { zh: "测试", en: "test" },
    created: new Date(),
    lifetimeSeconds: 3600,
    queries: [{ id: "permit", schema: given.schema, shown: ["district"], expiry: "shown" }],
  };
}

test("canonical bytes and signatures are those of the Python packages", () => {
  for (const { item, octets } of given.vectors) {
    assert.equal(Buffer.from(zk.canonical(item)).toString("hex"), octets);
  }
  const { nonce, created, payload, signature } = given.signed;
  const fixed = { ...request(), created: new Date(created * 1000), nonce: Buffer.from(nonce, "hex") };
  const made = zk.signedRequest(fixed, createPrivateKey(given.key));
  assert.equal(Buffer.from(made.payload).toString("hex"), payload);
  assert.equal(Buffer.from(made.signature).toString("hex"), signature);
  for (const bad of [-1, 1.5, 2 ** 60, "\ud800"]) assert.throws(() => zk.canonical(bad), RangeError);
  const other = generateKeyPairSync("x25519").privateKey;
  assert.throws(() => zk.signedRequest(request(), other), TypeError);
});

test("the catalogue is listed, page by page", async () => {
  const catalog = open().client(zk.CatalogService);
  const found: string[] = [];
  let pageToken = "";
  do {
    const page = await catalog.listSchemas({ parent: "departments/-", pageSize: 1, pageToken });
    found.push(...page.schemas.map((each) => each.name));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  assert.ok(found.includes(given.schema));
});

test("a checkpoint is the log's", async () => {
  const answer = await open().client(zk.LedgerService).getCheckpoint({});
  assert.equal(answer.verifierKey, given.log);
  assert.equal(Buffer.from(answer.checkpoint).toString("utf8").split("\n")[0], given.log.split("+")[0]);
});

test("checkpoints are watched, until the watcher has seen enough", async () => {
  const ledger = open().client(zk.LedgerService);
  for await (const each of ledger.watchCheckpoints({})) {
    assert.ok(each.checkpoint.length > 0);
    break;
  }
  const controller = new AbortController();
  const watching = (async () => {
    for await (const _ of ledger.watchCheckpoints({}, { signal: controller.signal })) controller.abort();
  })();
  await refused(watching, zk.CallCancelledError);
});

test("errors have a kind, a reason and a place", async () => {
  const catalog = open().client(zk.CatalogService);
  const missing = await refused(catalog.getDepartment({ name: "departments/nobody" }), zk.NotFoundError);
  assert.equal(missing.reason, "NOT_FOUND");
  assert.equal(missing.violations[0]?.field, "name");
  assert.ok(missing instanceof zk.ServiceError);
  const nobody = await refused(catalog.createDepartment({ departmentId: "x" }), zk.UnauthenticatedError);
  assert.equal(nobody.reason, "TOKEN_MISSING");
  const wrong = open({ token: "A".repeat(43) }).client(zk.CatalogService);
  const denied = await refused(wrong.createDepartment({ departmentId: "x" }), zk.DeniedError);
  assert.equal(denied.reason, "TOKEN_INVALID");
  assert.ok(!String(denied).includes("AAAA"));
  const watching = (async () => {
    for await (const _ of open().client(zk.PresentationService).watchExchange({ exchange: "exchanges/x" }));
  })();
  assert.ok((await refused(watching, zk.ServiceError)).reason.length > 0);
});

test("a server under another root is not spoken to", async () => {
  const stranger = open({ root: given.otherRoot, timeoutMs: 5_000 }).client(zk.LedgerService);
  await refused(stranger.getCheckpoint({}), zk.ServiceError);
});

test("a verifier registers, asks, and watches", async () => {
  const admin = open({ token: given.admin });
  const key = createPrivateKey(given.key);
  const { privateKey: forger } = generateKeyPairSync("ed25519");
  await admin.client(zk.CatalogService).createPurpose(fromJson(CreatePurposeRequestSchema, given.purposeRequest));
  await admin.client(zk.PolicyService).createPolicy(fromJson(CreatePolicyRequestSchema, given.policyRequest));
  const presentations = open().client(zk.PresentationService);
  const asked = { signedRequest: zk.signedRequest(request(), key), requestId: randomUUID() };
  const exchange = await presentations.createExchange(asked);
  const again = await presentations.createExchange(asked);
  assert.equal(again.exchange, exchange.exchange);
  const forged = { signedRequest: zk.signedRequest(request(), forger), requestId: randomUUID() };
  const refusal = await refused(presentations.createExchange(forged), zk.UnauthenticatedError);
  assert.equal(refusal.reason, "REQUEST_SIGNATURE_INVALID");
  const states: State[] = [];
  const watch = { exchange: exchange.exchange, resultToken: exchange.resultToken };
  for await (const each of presentations.watchExchange(watch)) {
    states.push(each.state);
    break;
  }
  assert.deepEqual(states, [State.PENDING]);
});

test("what passes is waited for, and what does not is told", async () => {
  const common = { root: given.hintRoot, retry: QUICK };
  await open({ server: given.hinting, ...common }).client(zk.LedgerService).getCheckpoint({});
  await open({ server: given.passing, ...common }).client(zk.LedgerService).getCheckpoint({});
  const failing = open({ server: given.failing, ...common });
  const told = await refused(failing.client(zk.LedgerService).getCheckpoint({}), zk.ExhaustedError);
  assert.equal(told.retryAfter, 3600);
  await refused(failing.client(zk.CatalogService).createDepartment({}), zk.ExhaustedError);
});

test("a budget ends repetitions", () => {
  const budget = new zk.Budget(4, 0.5);
  assert.deepEqual([1, 2, 3].map(() => budget.failed()), [true, false, false]);
  for (let each = 0; each < 100; each++) budget.succeeded();
  assert.ok(budget.failed());
});

test("a write whose answer is lost is done once", async () => {
  const service = open({ server: given.proxy, retry: { ...zk.RETRY_POLICY, attempts: 20 }, timeoutMs: 60_000 });
  await service.client(zk.LedgerService).getCheckpoint({});
  writeFileSync(`${given.folder}/connected`, "");
  while (!existsSync(`${given.folder}/held`)) await wait(20);
  const signedRequest = zk.signedRequest(request(), createPrivateKey(given.key));
  const exchange = await service.client(zk.PresentationService).createExchange({ signedRequest, requestId: randomUUID() });
  writeFileSync(`${given.folder}/asked`, exchange.exchange);
});
