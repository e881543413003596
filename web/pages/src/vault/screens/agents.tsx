// Agents: the code by which the vault's owner is appointed, and whom a company has appointed.
import encodeQR from "qr";
import type { VNode } from "preact";
import { useState } from "preact/hooks";

import { moment } from "../../messages/index.js";
import { QrCode } from "../../ui/qr.js";
import { useSettings } from "../../ui/settings.js";
import { Told } from "../../ui/shell.js";
import type { AgentsView, AppointmentView, DepartmentView, ItemView, ScopeView } from "../model.js";
import { agents } from "../texts/agents.js";
import { useDay, useIn, useSay, useSayOf } from "../texts/index.js";
import { FaultTold, useActing, useRead, useVault, Waited } from "./parts.js";
import { Camera } from "./scan.js";

/** The item that appointments are. */
const APPOINTMENT = "agent_appointment";

export function Agents(): VNode {
  const vault = useVault();
  const [found, again] = useRead(() => vault.agents());
  return (
    <Waited read={found}>
      {(view) => (
        <>
          {view.kind === "company" && <Company view={view} changed={again} />}
          {(view.kind === "person" || view.code !== null) && <OwnCode code={view.code} />}
        </>
      )}
    </Waited>
  );
}

function OwnCode({ code }: { code: string | null }): VNode {
  const tell = useSayOf(agents);
  const [shown, show] = useState(false);
  return (
    <section aria-labelledby="own-code">
      <h3 id="own-code">{tell("code.title")}</h3>
      <p class="quiet">{tell(code === null ? "code.none" : "code.about")}</p>
      {code !== null && !shown && (
        <button type="button" onClick={() => show(true)}>
          {tell("code.show")}
        </button>
      )}
      {code !== null && shown && (
        <>
          <QrCode modules={modulesOf(code)} label={tell("code.qr")} />
          <p class="mono" data-test="agent-code" data-varies>
            {code}
          </p>
        </>
      )}
    </section>
  );
}

/** The drawing has a border of its own: the one that is asked for at least is taken off. */
const modulesOf = (code: string): readonly string[] =>
  encodeQR(code, "raw", { border: 1 }).slice(1, -1).map((row) => row.slice(1, -1).map((dark) => (dark ? "1" : "0")).join(""));

function Company({ view, changed }: { view: AgentsView; changed: () => void }): VNode {
  const tell = useSayOf(agents);
  const [appointing, setAppointing] = useState(false);
  const [waits, setWaits] = useState(false);
  const done = (sent: boolean): void => {
    setAppointing(false);
    setWaits(!sent);
    changed();
  };
  return (
    <section aria-labelledby="agents">
      <h3 id="agents">{tell("agents.title")}</h3>
      {view.appointments.length === 0 && <p>{tell("agents.none")}</p>}
      <ul class="applications">
        {view.appointments.map((each) => (
          <Appointment key={each.id} appointment={each} ended={done} />
        ))}
      </ul>
      <div role="status">{waits && <Told as="unsure">{tell("agents.waits")}</Told>}</div>
      {appointing ? (
        <Appoint by={view.department} done={done} />
      ) : (
        <button type="button" onClick={() => setAppointing(true)}>
          {tell("agents.appoint")}
        </button>
      )}
    </section>
  );
}

function Appointment({ appointment, ended }: { appointment: AppointmentView; ended: (sent: boolean) => void }): VNode {
  const say = useSay();
  const tell = useSayOf(agents);
  const vault = useVault();
  const day = useDay();
  const { language } = useSettings();
  const [sure, setSure] = useState(false);
  const { busy, fault, act } = useActing();
  const { id, agent, until, scopes } = appointment;
  const state = appointment.ended === null ? tell("agents.until", { day: day(until) })
    : tell("agents.ended", { time: moment(appointment.ended, language) });
  return (
    <li>
      <strong id={id} class="mono" data-varies>
        {agent}
      </strong>
      <br />
      <span class={appointment.ended === null ? "state" : "state bad"}>{state}</span>
      <ul>
        {scopes.map(({ kind, scope, state: of }) => (
          <li key={`${kind} ${scope}`}>
            {tell(`scope.${kind}`, { scope })}, {say(`application.${of}`)}
          </li>
        ))}
      </ul>
      <FaultTold fault={fault} />
      {appointment.ended === null && !sure && (
        <button type="button" class="small" aria-describedby={id} onClick={() => setSure(true)}>
          {tell("agents.end")}
        </button>
      )}
      {sure && (
        <div role="alert">
          <Told as="bad">{tell("agents.end.sure")}</Told>
          <div class="row">
            <button type="button" disabled={busy} onClick={() => act(() => vault.endAppointment(id).then(ended))}>
              {tell("agents.end.yes")}
            </button>
            <button type="button" class="first" disabled={busy} onClick={() => setSure(false)}>
              {tell("agents.end.no")}
            </button>
          </div>
        </div>
      )}
    </li>
  );
}

interface AppointProps {
  /** The department whose code bound the account: it is the likeliest to register agents. */
  readonly by: string | null;
  readonly done: (sent: boolean) => void;
}

function Appoint({ by, done }: AppointProps): VNode {
  const vault = useVault();
  const [departments] = useRead(() => vault.departments());
  return <Waited read={departments}>{(all) => <AppointForm departments={all} by={by} done={done} />}</Waited>;
}

function AppointForm({ departments, by, done }: AppointProps & { departments: readonly DepartmentView[] }): VNode {
  const say = useSay();
  const tell = useSayOf(agents);
  const vault = useVault();
  const [code, setCode] = useState("");
  const [registrar, setRegistrar] = useState(by ?? departments[0]?.department ?? "");
  const items = useItems(registrar);
  const [scopes, setScopes] = useState<readonly ScopeView[]>([]);
  const [until, setUntil] = useState("");
  const [grounds, setGrounds] = useState("");
  const { busy, fault, act } = useActing();
  const schema = appointmentOf(items ?? []);
  const send = (event: Event): void => {
    event.preventDefault();
    if (schema === undefined || scopes.length === 0) return;
    act(() => vault.appoint({ schema, agent: code, scopes, until, grounds }).then(done));
  };
  return (
    <section aria-labelledby="appoint">
      <h3 id="appoint">{tell("appoint.title")}</h3>
      <ReadCode found={setCode} />
      <form onSubmit={send}>
        <p>
          <label for="agent">{tell("appoint.code")}</label>
          <input
            id="agent"
            required
            autocomplete="off"
            spellcheck={false}
            value={code}
            onInput={(event) => setCode(event.currentTarget.value)}
          />
        </p>
        <Departments id="registrar" label={tell("appoint.by")} all={departments} chosen={registrar} choose={setRegistrar} />
        {items !== null && schema === undefined && <Told as="unsure">{tell("appoint.by.none")}</Told>}
        <Scopes departments={departments} scopes={scopes} change={setScopes} />
        <p>
          <label for="until">{tell("appoint.until")}</label>
          <input id="until" type="date" required value={until} onInput={(event) => setUntil(event.currentTarget.value)} />
        </p>
        <p>
          <label for="why">{say("apply.grounds")}</label>
          <textarea
            id="why"
            required
            maxLength={2000}
            rows={3}
            value={grounds}
            onInput={(event) => setGrounds(event.currentTarget.value)}
          />
        </p>
        <FaultTold fault={fault} />
        <div class="row">
          <button type="submit" class="first" disabled={busy || schema === undefined || scopes.length === 0}>
            {tell("appoint.send")}
          </button>
          <button type="button" disabled={busy} onClick={() => done(true)}>
            {say("account.not_now")}
          </button>
        </div>
      </form>
    </section>
  );
}

/** The camera is asked for only by whoever wants it. */
function ReadCode({ found }: { found: (code: string) => void }): VNode {
  const tell = useSayOf(agents);
  const [open, setOpen] = useState(false);
  const read = (code: string): void => {
    setOpen(false);
    found(code);
  };
  if (open) return <Camera found={read} />;
  return (
    <button type="button" class="small" onClick={() => setOpen(true)}>
      {tell("appoint.scan")}
    </button>
  );
}

interface DepartmentsProps {
  readonly id: string;
  readonly label: string;
  readonly all: readonly DepartmentView[];
  readonly chosen: string;
  readonly choose: (department: string) => void;
}

function Departments({ id, label, all, chosen, choose }: DepartmentsProps): VNode {
  const told = useIn();
  return (
    <p>
      <label for={id}>{label}</label>
      <select id={id} value={chosen} onChange={(event) => choose(event.currentTarget.value)}>
        {all.map((each) => (
          <option key={each.department} value={each.department}>
            {told(each.name)}
          </option>
        ))}
      </select>
    </p>
  );
}

interface ScopesProps {
  readonly departments: readonly DepartmentView[];
  readonly scopes: readonly ScopeView[];
  readonly change: (scopes: readonly ScopeView[]) => void;
}

/** What the agent may do: items of departments, and errands by their identifiers. */
function Scopes({ departments, scopes, change }: ScopesProps): VNode {
  const tell = useSayOf(agents);
  const told = useIn();
  const [department, setDepartment] = useState(departments[0]?.department ?? "");
  const [item, setItem] = useState("");
  const [errand, setErrand] = useState("");
  const all = (useItems(department) ?? []).map((each) => ({ ...each, item: itemOf(each) }));
  const chosen = all.some((each) => each.item === item) ? item : (all[0]?.item ?? "");
  const isIn = ({ kind, scope }: ScopeView): boolean => scopes.some((each) => each.kind === kind && each.scope === scope);
  const add = (added: ScopeView): void => {
    if (added.scope !== "" && !isIn(added)) change([...scopes, added]);
  };
  return (
    <fieldset>
      <legend>{tell("appoint.scopes")}</legend>
      {scopes.length === 0 && <p class="quiet">{tell("appoint.scopes.none")}</p>}
      <ul>
        {scopes.map((each) => (
          <li key={`${each.kind} ${each.scope}`}>
            {tell(`scope.${each.kind}`, { scope: each.scope })}{" "}
            <button
              type="button"
              class="small"
              aria-label={tell("appoint.remove", { scope: each.scope })}
              onClick={() => change(scopes.filter((other) => other !== each))}
            >
              ✗
            </button>
          </li>
        ))}
      </ul>
      <Departments id="of" label={tell("appoint.item.of")} all={departments} chosen={department} choose={setDepartment} />
      <p>
        <label for="scope-item">{tell("appoint.item")}</label>
        <select id="scope-item" value={chosen} onChange={(event) => setItem(event.currentTarget.value)}>
          {all.map((each) => (
            <option key={each.schema} value={each.item}>
              {told(each.title)}
            </option>
          ))}
        </select>
        <button type="button" class="small" disabled={chosen === ""} onClick={() => add({ kind: "item", scope: chosen })}>
          {tell("appoint.item.add")}
        </button>
      </p>
      <p>
        <label for="errand">{tell("appoint.errand")}</label>
        <input id="errand" autocomplete="off" value={errand} onInput={(event) => setErrand(event.currentTarget.value)} />
        <button
          type="button"
          class="small"
          disabled={errand.trim() === ""}
          onClick={() => {
            add({ kind: "errand", scope: errand.trim() });
            setErrand("");
          }}
        >
          {tell("appoint.errand.add")}
        </button>
      </p>
    </fieldset>
  );
}

/** The items of a department; null until those of this very one are read. */
function useItems(department: string): readonly ItemView[] | null {
  const vault = useVault();
  const [read] = useRead(
    async () => ({ of: department, items: department === "" ? [] : await vault.items(department) }), [department],
  );
  return read !== null && "value" in read && read.value.of === department ? read.value.items : null;
}

/** "business_licence" of "departments/market-regulation/schemas/business_licence@2". */
const itemOf = ({ schema }: ItemView): string => schema.slice(schema.lastIndexOf("/") + 1).replace(/@[0-9]+$/, "");

const appointmentOf = (items: readonly ItemView[]): string | undefined =>
  items.find((each) => itemOf(each) === APPOINTMENT)?.schema;
