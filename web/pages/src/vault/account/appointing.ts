// Whom a company appoints, as values and messages (disclosure/application.py, prover/client/applications.py): what the receipts
// are about is computed by service and vault alike, and the code that an agent shows is Python's.

import { create, toBinary } from "@bufbuild/protobuf";

import { hex } from "../../../../prover/src/bbs/octets.js";
import { digest, encode, type Item } from "../../../../prover/src/disclosure/canonical.js";
import { AppointAgentRequestSchema, EndAppointmentRequestSchema, Scope_Kind } from "../../../gen/zkproto/v1/appointment_pb.js";
import { VaultError } from "../fault.js";
import type { ScopeView, SubjectKind } from "../model.js";
import { subjectOf } from "./subjects.js";

export const NONCE_OCTETS = 16;
const LABEL = "zk-disclosure/appointed/v1";
const ENDED_LABEL = "zk-disclosure/appointment-ended/v1";
const CODE = /^(accounts\/[A-Za-z0-9_-]{1,64})#([0-9a-fA-F]{64})$/;
const MAX_SCOPES = 16;
const MAX_SCOPE = 64;
const KINDS: Readonly<Record<ScopeView["kind"], Scope_Kind>> = { item: Scope_Kind.ITEM, errand: Scope_Kind.ERRAND };

/** What an agent shows to the company: its account, and the commitment in its identity credential. */
export interface AgentCode {
  readonly account: string;
  /** 32 octets. */
  readonly commit: Uint8Array;
}

/** An appointment as it is made. */
export interface Appointment {
  readonly schema: string;
  readonly agent: AgentCode;
  readonly scopes: readonly ScopeView[];
  /** "2027-01-31". */
  readonly until: string;
  readonly grounds: string;
  readonly nonce: Uint8Array;
}

export const codeText = ({ account, commit }: AgentCode): string => `${account}#${hex(commit)}`;

/** Read an agent's code; VaultError AGENT_CODE_MALFORMED. */
export function agentCodeOf(typed: string): AgentCode {
  const [, account, digits] = CODE.exec(typed.trim()) ?? [];
  if (account === undefined || digits === undefined) {
    throw new VaultError("AGENT_CODE_MALFORMED", "an agent's code is accounts/...#...");
  }
  return { account, commit: Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)) };
}

/** The year, month and day of "2027-01-31"; VaultError DATE_MALFORMED. */
export function dayOf(written: string): { readonly year: number; readonly month: number; readonly day: number } {
  const at = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(written) ? Date.parse(`${written}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(at) || new Date(at).toISOString().slice(0, 10) !== written || written.startsWith("0000")) {
    throw new VaultError("DATE_MALFORMED", "a day is written as 2027-01-31");
  }
  const [year, month, day] = written.split("-").map(Number) as [number, number, number];
  return { year, month, day };
}

/** 1 to 16 scopes, each once, of 1 to 64 characters; VaultError SCOPES_MALFORMED. */
export function scopesOf(given: readonly ScopeView[]): readonly ScopeView[] {
  const scopes = given.map(({ kind, scope }) => ({ kind, scope: scope.trim() }));
  const isOne = ({ kind, scope }: ScopeView): boolean => {
    const length = [...scope].length;
    return Object.hasOwn(KINDS, kind) && length > 0 && length <= MAX_SCOPE;
  };
  const different = new Set(scopes.map(({ kind, scope }) => `${kind} ${scope}`));
  if (scopes.length === 0 || scopes.length > MAX_SCOPES || different.size !== scopes.length || !scopes.every(isOne)) {
    throw new VaultError("SCOPES_MALFORMED", "an agent is appointed for 1 to 16 items and errands, each once");
  }
  return scopes;
}

/** What an appointment's receipt is about: 32 octets. */
export function appointedDigest({ schema, agent, scopes, until, grounds, nonce }: Appointment): Uint8Array {
  const written = scopes.map(({ kind, scope }): Item => [kind, scope]);
  return digest(LABEL, encode(LABEL, schema, agent.account, agent.commit, written, until, grounds, nonce));
}

/** What the receipt of an appointment's end is about: 32 octets. */
export const endedDigest = (name: string): Uint8Array => digest(ENDED_LABEL, encode(ENDED_LABEL, name));

/** The message by which the company whose account it is appoints. */
export function appointMessage(
  made: Appointment, company: { readonly kind: SubjectKind; readonly number: string }, requestId: string, holderNote: Uint8Array,
): Uint8Array {
  const { schema, agent, scopes, until, grounds, nonce } = made;
  return toBinary(AppointAgentRequestSchema, create(AppointAgentRequestSchema, {
    schema, company: subjectOf(company), agent: agent.account, agentCommit: agent.commit,
    scopes: scopes.map(({ kind, scope }) => ({ kind: KINDS[kind], scope })),
    until: dayOf(until), grounds, nonce, requestId, holderNote,
  }));
}

/** The message that ends an appointment. */
export const endMessage = (name: string, requestId: string, holderNote: Uint8Array): Uint8Array =>
  toBinary(EndAppointmentRequestSchema, create(EndAppointmentRequestSchema, { name, requestId, holderNote }));

/** What a scope of the contract is; null for a kind that this program does not know. */
export function scopeKindOf(kind: Scope_Kind): ScopeView["kind"] | null {
  return kind === Scope_Kind.ITEM ? "item" : kind === Scope_Kind.ERRAND ? "errand" : null;
}
