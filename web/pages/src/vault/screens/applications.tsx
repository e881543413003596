// What was applied for and how far that is; applying for something more.
import type { VNode } from "preact";
import { useState } from "preact/hooks";

import { moment } from "../../messages/index.js";
import { useSettings } from "../../ui/settings.js";
import { Told } from "../../ui/shell.js";
import type { ApplicationView, DepartmentView, Written } from "../model.js";
import { useIn, useSay } from "../texts/index.js";
import { FaultTold, useActing, useRead, useVault, Waited } from "./parts.js";
import { Stated } from "./stated.js";

interface Props {
  readonly applications: readonly ApplicationView[];
  readonly changed: () => void;
}

export function Applications({ applications, changed }: Props): VNode {
  const say = useSay();
  const [applying, setApplying] = useState(false);
  const [waits, setWaits] = useState(false);
  const done = (sent: boolean): void => {
    setApplying(false);
    setWaits(!sent);
    changed();
  };
  return (
    <>
      <h3>{say("inbox.applications")}</h3>
      {applications.length === 0 && <p>{say("inbox.no_applications")}</p>}
      <ul class="applications">
        {applications.map((each) => (
          <Application key={each.id} application={each} changed={changed} />
        ))}
      </ul>
      <div role="status">{waits && <Told as="unsure">{say("apply.waits")}</Told>}</div>
      {applying ? (
        <Apply done={done} />
      ) : (
        <button type="button" onClick={() => setApplying(true)}>
          {say("apply.begin")}
        </button>
      )}
    </>
  );
}

function Application({ application, changed }: { application: ApplicationView; changed: () => void }): VNode {
  const say = useSay();
  const told = useIn();
  const vault = useVault();
  const { language } = useSettings();
  const { busy, fault, act } = useActing();
  const { id, title, departmentName, state, reason, sent, offer } = application;
  return (
    <li>
      <strong id={id}>{told(title)}</strong>, {told(departmentName)}
      <br />
      <span class={state === "refused" ? "state bad" : "state"}>{say(`application.${state}`)}</span>
      {", "}
      {say("inbox.sent", { time: moment(sent, language) })}
      {reason !== null && <p>{told(reason)}</p>}
      {offer !== null && state === "approved" && <p class="quiet">{say("application.offer")}</p>}
      {state === "open" && (
        <p class="row">
          <button
            type="button"
            class="small"
            disabled={busy}
            aria-describedby={id}
            onClick={() => act(() => vault.cancelApplication(id).then(changed))}
          >
            {say("application.cancel")}
          </button>
        </p>
      )}
      <FaultTold fault={fault} />
    </li>
  );
}

type Done = (sent: boolean) => void;

function Apply({ done }: { done: Done }): VNode {
  const vault = useVault();
  const [departments] = useRead(() => vault.departments());
  return <Waited read={departments}>{(all) => <ApplyForm departments={all} done={done} />}</Waited>;
}

function ApplyForm({ departments, done }: { departments: readonly DepartmentView[]; done: Done }): VNode {
  const say = useSay();
  const told = useIn();
  const vault = useVault();
  const [department, setDepartment] = useState(departments[0]?.department ?? "");
  const [chosen, setChosen] = useState("");
  const [grounds, setGrounds] = useState("");
  const [stated, setStated] = useState<{ schema: string; written: Written }>({ schema: "", written: {} });
  const [company, setCompany] = useState("");
  const [read] = useRead(
    async () => ({ of: department, items: department === "" ? [] : await vault.items(department) }),
    [department],
  );
  // Those of another department are not offered while this one's are read.
  const items = read !== null && "value" in read && read.value.of !== department ? null : read;
  const { busy, fault, act } = useActing();
  return (
    <section aria-labelledby="apply">
      <h3 id="apply">{say("apply.title")}</h3>
      <p>
        <label for="department">{say("apply.department")}</label>
        <select id="department" value={department} onChange={(event) => setDepartment(event.currentTarget.value)}>
          {departments.map((each) => (
            <option key={each.department} value={each.department}>
              {told(each.name)}
            </option>
          ))}
        </select>
      </p>
      <Waited read={items}>
        {({ items: all }) => {
          const schema = all.some((each) => each.schema === chosen) ? chosen : (all[0]?.schema ?? "");
          // What was stated of one item is not stated of another.
          const written = stated.schema === schema ? stated.written : {};
          const fields = all.find((each) => each.schema === schema)?.fields ?? [];
          const send = (event: Event): void => {
            event.preventDefault();
            act(() => vault.apply(schema, grounds, written, company).then(done));
          };
          if (schema === "") return <p>{say("apply.nothing")}</p>;
          return (
            <form onSubmit={send}>
              <p>
                <label for="item">{say("apply.item")}</label>
                <select id="item" value={schema} onChange={(event) => setChosen(event.currentTarget.value)}>
                  {all.map((each) => (
                    <option key={each.schema} value={each.schema}>
                      {told(each.title)}
                    </option>
                  ))}
                </select>
              </p>
              <p>
                <label for="grounds">{say("apply.grounds")}</label>
                <textarea
                  id="grounds"
                  required
                  maxLength={2000}
                  rows={4}
                  value={grounds}
                  onInput={(event) => setGrounds(event.currentTarget.value)}
                />
              </p>
              <p>
                <label for="company">{say("apply.company")}</label>
                <input
                  id="company"
                  autocomplete="off"
                  aria-describedby="company-about"
                  value={company}
                  onInput={(event) => setCompany(event.currentTarget.value)}
                />
                <span id="company-about" class="quiet">
                  {say("apply.company.about")}
                </span>
              </p>
              <Stated fields={fields} written={written} write={(now) => setStated({ schema, written: now })} />
              <FaultTold fault={fault} />
              <div class="row">
                <button type="submit" class="first" disabled={busy}>
                  {say("apply.send")}
                </button>
                <button type="button" disabled={busy} onClick={() => done(true)}>
                  {say("account.not_now")}
                </button>
              </div>
            </form>
          );
        }}
      </Waited>
    </section>
  );
}
