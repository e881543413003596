// Requests fetched by a link, and read with what is published (prover/client/answers.py). Nothing is shown to anybody by
// it, and nothing is read that depends on what the vault holds.

import { CompositeRequest, isComposite } from "../../../../prover/src/composite/request.js";
import { policyOf } from "../../../../prover/src/disclosure/allowance.js";
import { RefusedError } from "../../../../prover/src/disclosure/errors.js";
import type { RegisteredPolicy } from "../../../../prover/src/disclosure/policy.js";
import type { FindKey, SignedRequest } from "../../../../prover/src/disclosure/request_frame.js";
import { openPlainRequest, type PlainRequest } from "../../../../prover/src/plain/request.js";
import type { States } from "../../../gen/zkproto/v1/states_pb.js";
import type { Link } from "../../scan/links.js";
import { refusal, VaultError } from "../fault.js";
import type { Opened, RegisteredVerifier } from "../parts.js";
import { presentations } from "../reading/clients.js";

export type AnyRequest = CompositeRequest | PlainRequest;

/** A request of either form that its verifier's registered key signed, and the policy that it names. */
export interface Fetched {
  readonly link: Link;
  readonly signed: SignedRequest;
  readonly request: AnyRequest;
  readonly verifier: RegisteredVerifier;
  /** What the request asks is held to it by `checkAllowed`. */
  readonly policy: RegisteredPolicy;
  /** How keys and accumulators stand that it names, as the service says it unasked. */
  readonly states: States | undefined;
}

/** Throw VaultError LINK_ELSEWHERE for a link whose secret is another service's. */
export function checkServer(link: Link, server: string): void {
  if (link.server !== server) throw new VaultError("LINK_ELSEWHERE", "the link leads to another service");
}

/**
 * Fetch what a link of an exchange leads to; null where the exchange takes the code that the verifier's page shows, and none
 * was given. RefusedError REQUEST_SIGNATURE_INVALID, REQUEST_EXPIRED, REQUEST_NOT_YET_VALID, REQUEST_INVALID (`issuance`:
 * such a request comes with an offer), POLICY_UNKNOWN; MalformedError; ConnectError; what the reader throws.
 */
export async function fetchRequest(opened: Opened, link: Link, pairingCode = ""): Promise<Fetched | null> {
  const asked = { exchange: link.name, ticket: link.secret, pairingCode };
  let answer;
  try {
    answer = await presentations.fetchRequest(asked);
  } catch (error) {
    if (pairingCode === "" && refusal(error) === "PAIRING_REQUIRED") return null;
    throw error;
  }
  const { signedRequest, states } = answer;
  if (signedRequest === undefined) throw new VaultError("ANSWER_INVALID", "the service answered without a request");
  const signed = { payload: signedRequest.payload, signature: signedRequest.signature };
  return { link, signed, ...(await readRequest(opened, signed)), states };
}

/** Check a request under its verifier's registered key, and read the policy that it names. Errors as `fetchRequest`. */
export async function readRequest(
  opened: Opened, signed: SignedRequest,
): Promise<Pick<Fetched, "request" | "verifier" | "policy">> {
  const { reader } = opened;
  const registered = new Map<string, RegisteredVerifier>();
  const request = await withKeys(registered, reader.verifier.bind(reader), (findKey): AnyRequest =>
    isComposite(signed.payload) ? CompositeRequest.open(signed, findKey) : openPlainRequest(signed, findKey));
  request.checkTime(opened.now());
  if (request instanceof CompositeRequest && request.issuance !== null) {
    // What comes of it is a commitment that whoever asked could take to a department as its own.
    const detail = "a request that an issuance waits for comes with an offer, and nobody signs it";
    throw new RefusedError("REQUEST_INVALID", detail, "issuance");
  }
  const policy = await reader.policy(policyOf(request));
  return { request, verifier: registered.get(request.verifier) as RegisteredVerifier, policy };
}

class Unread extends Error {
  constructor(readonly verifier: string) {
    super("a key is to be read first");
  }
}

/** Do what needs keys, with each read when it is first asked for: of nobody whose turn it is not. */
async function withKeys<Result>(
  registered: Map<string, RegisteredVerifier>, read: (name: string) => Promise<RegisteredVerifier>,
  work: (findKey: FindKey) => Result,
): Promise<Result> {
  for (;;) {
    try {
      return work((name) => {
        const known = registered.get(name);
        if (known === undefined) throw new Unread(name);
        return known.publicKey;
      });
    } catch (error) {
      if (!(error instanceof Unread)) throw error;
      registered.set(error.verifier, await read(error.verifier));
    }
  }
}
