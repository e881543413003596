// Schemas, issuers' keys, departments, verifiers and policies as they are published.
import { Code, ConnectError } from "@connectrpc/connect";

import { equal } from "../../../../prover/src/bbs/octets.js";
import type { LocalizedText } from "../../../../prover/src/disclosure/attributes.js";
import { RefusedError } from "../../../../prover/src/disclosure/errors.js";
import type { IssuerKey } from "../../../../prover/src/disclosure/key.js";
import type { IssuerKeyName, PolicyName, SchemaName } from "../../../../prover/src/disclosure/names.js";
import { policyFromMessage } from "../../../../prover/src/disclosure/policy_message.js";
import type { RegisteredPolicy } from "../../../../prover/src/disclosure/policy.js";
import type { Schema } from "../../../../prover/src/disclosure/schema.js";
import type { IssuerKey as IssuerKeyMessage } from "../../../gen/zkproto/v1/catalog_pb.js";
import type { RegisteredVerifier } from "../parts.js";
import { catalog, policies } from "./clients.js";
import { issuerKeyEntry, issuerKeyStateEntry, schemaEntry, verifierEntry } from "./entries.js";
import { type Ground, checkLogged } from "./ground.js";
import { issuerKeyOf, other, schemaOf, textOf } from "./messages.js";
import { DEPARTMENT, ISSUER_KEY, POLICY, SCHEMA, STATES, VERIFIER } from "./sorts.js";

/** A name for people may be so old, in seconds, before it is read again. */
const NAME_FRESH = 3600;
const KEY_OCTETS = 32;

export class Catalogue {
  constructor(private readonly ground: Ground) {}

  schema(name: SchemaName): Promise<Schema> {
    return this.ground.kept.fixed(SCHEMA, name.text, async () => {
      const message = await catalog.getSchema({ name: name.text });
      const found = schemaOf(message);
      if (found.name.text !== name.text) throw other();
      checkLogged(this.ground, schemaEntry(found), message.proof);
      return found;
    });
  }

  /** A key with its present state, or with the last that was seen if the service is not reached. */
  issuerKey(name: IssuerKeyName): Promise<IssuerKey> {
    return this.#latestKey(name, () => catalog.getIssuerKey({ name: name.text }));
  }

  /** The same of a message that was read with others. */
  toldKey(name: IssuerKeyName, message: IssuerKeyMessage): Promise<IssuerKey> {
    return this.#latestKey(name, () => Promise.resolve(message));
  }

  keptKey(name: IssuerKeyName): Promise<IssuerKey | null> {
    return this.ground.kept.last(ISSUER_KEY, name.text);
  }

  /** States only go on: who was shown a record of a later one is not told again that it is active. */
  #latestKey(name: IssuerKeyName, ask: () => Promise<IssuerKeyMessage>): Promise<IssuerKey> {
    return this.ground.kept.latest(ISSUER_KEY, name.text, async (before) => {
      const found = this.#believed(name, await ask());
      const older = before !== null && STATES.indexOf(found.state) < STATES.indexOf(before.state);
      return older ? before : found;
    });
  }

  #believed(name: IssuerKeyName, message: IssuerKeyMessage): IssuerKey {
    const found = issuerKeyOf(message);
    if (found.name.text !== name.text) throw other();
    checkLogged(this.ground, issuerKeyEntry(found), message.proof);
    if (found.state !== "active") {
      checkLogged(this.ground, issuerKeyStateEntry(name, found.state), message.stateProof);
    }
    return found;
  }

  /** What a department is called. No record has it: it is the service's word. */
  departmentName(department: string): Promise<LocalizedText> {
    const read = async () => {
      const message = await catalog.getDepartment({ name: department });
      if (message.name !== department) throw other();
      return textOf(message.displayName);
    };
    return this.ground.kept.latest(DEPARTMENT, department, read, NAME_FRESH);
  }

  /** A verifier, whose key never changes. What it is called is the service's word. */
  verifier(name: string): Promise<RegisteredVerifier> {
    const read = async (before: RegisteredVerifier | null): Promise<RegisteredVerifier> => {
      const message = await catalog.getVerifier({ name });
      const { publicKey, proof, displayName } = message;
      if (message.name !== name || publicKey.length !== KEY_OCTETS) throw other();
      if (before !== null && !equal(before.publicKey, publicKey)) throw other();
      checkLogged(this.ground, verifierEntry(name, publicKey), proof);
      return { name, displayName: textOf(displayName), publicKey };
    };
    return this.ground.kept.latest(VERIFIER, name, read, NAME_FRESH);
  }

  /** A policy; RefusedError POLICY_UNKNOWN for one that is not registered. */
  policy(name: PolicyName): Promise<RegisteredPolicy> {
    return this.ground.kept.fixed(POLICY, name.text, async () => {
      const message = await policies.getPolicy({ name: name.text }).catch((error: unknown) => {
        if (!(error instanceof ConnectError) || error.code !== Code.NotFound) throw error;
        throw new RefusedError("POLICY_UNKNOWN", `${name.text} is not registered`, "policy");
      });
      const found = policyFromMessage(message);
      if (found.name.text !== name.text) throw other();
      checkLogged(this.ground, found.entry(), message.proof);
      return found;
    });
  }
}
