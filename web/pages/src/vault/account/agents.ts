// Agents, as the vault's account has to do with them (prover/client/applications.py): the code by which its owner is appointed,
// and whom a company has appointed. Loaded when it is first wanted: most vaults are no company's.

import { createClient } from "@connectrpc/connect";

import { type Appointment as Listed, type Appointment_Element, AppointmentService } from "../../../gen/zkproto/v1/appointment_pb.js";
import { SchemaName } from "../../../../prover/src/disclosure/names.js";
import { LocalizedText } from "../../../../prover/src/disclosure/attributes.js";
import { valueOf } from "../../../../prover/src/disclosure/schema.js";
import { transport } from "../../service.js";
import { VaultError } from "../fault.js";
import type { AgentsView, Appointing, AppointmentView } from "../model.js";
import type { Opened } from "../parts.js";
import { beginEvent, type Event, type MakeCall } from "../showing/events.js";
import type { Holdings } from "../showing/holdings.js";
import type { EventNote } from "../showing/notes.js";
import { safe } from "../telling/saying.js";
import { type AccountPart, momentOf, PAGE, STATES } from "./account.js";
import { groundsOf } from "./applying.js";
import {
  agentCodeOf, type Appointment, appointedDigest, appointMessage, codeText, dayOf, endedDigest, endMessage, NONCE_OCTETS,
  scopeKindOf, scopesOf,
} from "./appointing.js";
import type { Account } from "./records.js";

/** The item whose credential an agent is known by, and its attribute. */
const IDENTITY = "id_card";
const COMMIT = "id_commit";
const COMMIT_OCTETS = 32;
const APPOINT = "/zkproto.v1.AppointmentService/AppointAgent";
const END = "/zkproto.v1.AppointmentService/EndAppointment";
const APPOINTED = { zh: "委托经办人", en: "Agent appointed" } as const;
const ENDED = { zh: "终止委托", en: "Appointment ended" } as const;
const AGENT = /^accounts\/[A-Za-z0-9_-]{1,64}$/;
const NAME = /^appointments\/[A-Za-z0-9_-]{1,64}$/;

const appointments = createClient(AppointmentService, transport);

export class Agents {
  /** Whom each appointment is of, as the service listed them last. */
  #agents: ReadonlyMap<string, string> = new Map();

  constructor(private readonly opened: Opened, private readonly holdings: Holdings, private readonly account: AccountPart) {}

  /** The owner's code, and whom the company has appointed, the newest first; errors as `AccountPart.applications`. */
  async view(): Promise<AgentsView> {
    const account = await this.account.current();
    if (account === null) return { kind: null, department: null, code: null, appointments: [] };
    const { kind, department } = account;
    return { kind, department, code: await this.#code(account), appointments: kind === "company" ? await this.#listed(account) : [] };
  }

  /**
   * Appoint an agent; returns whether it was sent: else `settle` sends it. VaultError ACCOUNT_NOT_FOUND, AGENT_CODE_MALFORMED,
   * SCOPES_MALFORMED, DATE_MALFORMED, GROUNDS_MALFORMED; what the reader throws and the service refuses; errors as `sendEvent`.
   */
  async appoint({ schema, agent, scopes, until, grounds }: Appointing): Promise<boolean> {
    const account = await this.account.bound();
    dayOf(until);
    const about = { agent: agentCodeOf(agent), scopes: scopesOf(scopes), until, grounds: groundsOf(grounds) };
    const { name } = await this.opened.reader.schema(SchemaName.parse(schema, "schema"));
    const made: Appointment = { schema: name.text, ...about, nonce: crypto.getRandomValues(new Uint8Array(NONCE_OCTETS)) };
    const said = { kind: "appointed", party: made.agent.account, title: APPOINTED, digest: appointedDigest(made) } as const;
    return this.account.send(await this.#begun(account, said, (requestId, holderNote) => (
      { method: APPOINT, message: appointMessage(made, account, requestId, holderNote), session: account.name })));
  }

  /** End an appointment, which needs nobody's decision; returns and throws as `appoint`. VaultError APPOINTMENT_NOT_FOUND. */
  async end(name: string): Promise<boolean> {
    const account = await this.account.bound();
    if (!this.#agents.has(name)) await this.#listed(account);
    const agent = this.#agents.get(name);
    if (agent === undefined) throw new VaultError("APPOINTMENT_NOT_FOUND", "the company has no such appointment");
    const said = { kind: "appointment-ended", party: agent, title: ENDED, digest: endedDigest(name) } as const;
    return this.account.send(await this.#begun(account, said, (requestId, holderNote) => (
      { method: END, message: endMessage(name, requestId, holderNote), session: account.name })));
  }

  /** By the identity card that came first, as Python's vault; null without one that has the commitment. */
  async #code({ name }: Account): Promise<string | null> {
    for (const { schema, credential } of (await this.holdings.held()).composite) {
      const commit = valueOf(credential.values, COMMIT);
      const isCommit = commit instanceof Uint8Array && commit.length === COMMIT_OCTETS;
      if (schema.name.item === IDENTITY && isCommit) return codeText({ account: name, commit });
    }
    return null;
  }

  #begun(account: Account, said: Omit<EventNote, "time" | "detail">, make: MakeCall): Promise<Event> {
    const note = { ...said, time: Math.floor(this.opened.now() * 1000), detail: "" };
    const about = { note, called: new LocalizedText("经办人", "your agent"), server: account.server };
    return this.opened.store.change((draft) => beginEvent(this.opened.store, draft, about, make));
  }

  async #listed(account: Account): Promise<readonly AppointmentView[]> {
    const found = await this.account.pages(account, (headers, pageToken) =>
      appointments.listAppointments({ pageSize: PAGE, pageToken }, { headers }), (page) => page.appointments);
    const views = found.map(viewOf);
    this.#agents = new Map(views.map(({ id, agent }) => [id, agent]));
    return views.reverse();
  }
}

/** What the service says of an appointment; VaultError ANSWER_INVALID. */
function viewOf({ name, agent, elements, until, endTime }: Listed): AppointmentView {
  if (!NAME.test(name) || !AGENT.test(agent) || until === undefined) throw strange();
  const written = [[until.year, 4], [until.month, 2], [until.day, 2]] as const;
  const day = written.map(([number, digits]) => String(number).padStart(digits, "0")).join("-");
  try {
    dayOf(day);
  } catch {
    throw strange();
  }
  return { id: name, agent, until: day, ended: endTime === undefined ? null : momentOf(endTime), scopes: elements.map(elementOf) };
}

function elementOf({ scope, state }: Appointment_Element): AppointmentView["scopes"][number] {
  const kind = scope === undefined ? null : scopeKindOf(scope.kind);
  const known = STATES[state];
  if (scope === undefined || kind === null || known === undefined) throw strange();
  return { kind, scope: safe(scope.scope), state: known };
}

const strange = (): VaultError => new VaultError("ANSWER_INVALID", "the service has listed what is no appointment");
