// The open vault's first view: credentials by department, and what is still to be sent.
import type { VNode } from "preact";
import { useState } from "preact/hooks";

import { moment } from "../../messages/index.js";
import { useSettings } from "../../ui/settings.js";
import { Told } from "../../ui/shell.js";
import type { AttendedView, ChildView, CredentialView, Fault, Overview } from "../model.js";
import { useDay, useIn, useSay } from "../texts/index.js";
import { FaultTold, Screen, useActing, useRead, useVault, Waited } from "./parts.js";
import { AttendedTold } from "./attended.js";

interface Props {
  /** What settling came to when the vault was opened: null while it is under way or was done. */
  readonly settling: Fault | null;
  readonly settled: number;
  /** What was attended to since the vault was opened. */
  readonly attended: readonly AttendedView[];
}

export function Home({ settling, settled, attended }: Props): VNode {
  const say = useSay();
  const vault = useVault();
  const [overview, again] = useRead(() => vault.overview(), [settled]);
  const [chosen, choose] = useState<string>();
  if (chosen !== undefined) {
    const gone = (): void => {
      choose(undefined);
      again();
    };
    return <Credential id={chosen} back={() => choose(undefined)} removed={gone} />;
  }
  return (
    <Screen title={say("vault.view.home")}>
      {settling?.passing && <Told as="unsure">{say("home.offline")}</Told>}
      <FaultTold fault={settling?.passing ? null : settling} />
      <div role="status">{attended.length > 0 && <AttendedTold attended={attended} />}</div>
      <Waited read={overview}>
        {(found) => (
          <>
            <div class="row">
              <a class="button first" href="#scan">
                {say("home.scan")}
              </a>
              <a class="button" href="#errands">
                {say("home.errands")}
              </a>
            </div>
            <Unsent found={found} done={again} />
            {found.credentials.length === 0 ? (
              <p>{say("home.none")}</p>
            ) : (
              <Groups credentials={found.credentials} choose={choose} />
            )}
            <Read at={found.read} />
          </>
        )}
      </Waited>
    </Screen>
  );
}

function Read({ at }: { at: number | null }): VNode | null {
  const say = useSay();
  const { language } = useSettings();
  return at === null ? null : <p class="quiet">{say("home.read", { time: moment(at, language) })}</p>;
}

function Unsent({ found, done }: { found: Overview; done: () => void }): VNode | null {
  const say = useSay();
  const vault = useVault();
  const { busy, fault, act } = useActing();
  if (found.unsent === 0) return null;
  const send = (): void =>
    act(async () => {
      await vault.settle().finally(done);
    });
  return (
    <div>
      <Told as="unsure">
        {found.unsent === 1 ? say("home.unsent.1") : say("home.unsent", { count: found.unsent })}
      </Told>
      <FaultTold fault={fault} />
      <button type="button" disabled={busy} onClick={send}>
        {say("home.send")}
      </button>
    </div>
  );
}

interface ListProps {
  readonly credentials: readonly CredentialView[];
  readonly choose: (id: string) => void;
}

/** The holder's own, and those about each child; where there is no child there is nothing to tell apart. */
function Groups({ credentials, choose }: ListProps): VNode {
  const say = useSay();
  const children = childrenIn(credentials);
  if (children.length === 0) return <ByDepartment credentials={credentials} choose={choose} />;
  const groups = [
    { id: "", title: say("home.mine") },
    ...children.map(({ id, name }) => (
      { id, title: name === null ? say("home.child.unnamed", { number: id }) : say("home.child", { name }) })),
  ].map((group) => ({ ...group, own: credentials.filter(({ child }) => (child?.id ?? "") === group.id) }));
  return (
    <>
      {groups.filter(({ own }) => own.length > 0).map(({ id, title, own }) => (
        <section key={id} data-test={id === "" ? "mine" : "child"}>
          <h3>{title}</h3>
          <ByDepartment credentials={own} choose={choose} within />
        </section>
      ))}
    </>
  );
}

function childrenIn(credentials: readonly CredentialView[]): readonly ChildView[] {
  const all = credentials.flatMap(({ child }) => (child === null ? [] : [[child.id, child] as const]));
  return [...new Map(all).values()].sort((one, other) => Number(one.id) - Number(other.id));
}

function ByDepartment({ credentials, choose, within = false }: ListProps & { readonly within?: boolean }): VNode {
  const say = useSay();
  const told = useIn();
  const Heading = within ? "h4" : "h3";
  const departments = [...new Set(credentials.map((each) => each.department))];
  return (
    <>
      {departments.map((department) => {
        const own = credentials.filter((each) => each.department === department);
        return (
          <section key={department}>
            <Heading>{say("home.by", { department: told(own[0]!.departmentName) })}</Heading>
            <ul class="choices">
              {own.map((each) => (
                <li key={each.id}>
                  <button type="button" onClick={() => choose(each.id)}>
                    <strong>{told(each.title)}</strong>
                    <br />
                    <Standing credential={each} />
                  </button>
                </li>
              ))}
            </ul>
          </section>
        );
      })}
    </>
  );
}

function Standing({ credential }: { credential: CredentialView }): VNode {
  const say = useSay();
  const day = useDay();
  if (credential.revoked) return <span class="state bad">{say("home.revoked")}</span>;
  const key = credential.expired ? "home.expired" : "home.valid";
  return (
    <span class={credential.expired ? "state bad" : "state"}>{say(key, { day: day(credential.lastDay) })}</span>
  );
}

interface OneProps {
  readonly id: string;
  readonly back: () => void;
  readonly removed: () => void;
}

function Credential({ id, back, removed }: OneProps): VNode {
  const vault = useVault();
  const [found] = useRead(() => vault.credential(id), [id]);
  return (
    <Waited read={found}>{(one) => <Shown id={id} credential={one} back={back} removed={removed} />}</Waited>
  );
}

interface ShownProps extends OneProps {
  readonly credential: CredentialView;
}

function Shown({ id, credential, back, removed }: ShownProps): VNode {
  const say = useSay();
  const vault = useVault();
  const told = useIn();
  const { language } = useSettings();
  const [sure, setSure] = useState(false);
  const { busy, fault, act } = useActing();
  return (
    <Screen title={told(credential.title)}>
      <dl class="facts">
        <dt>{say("credential.state")}</dt>
        <dd>
          <Standing credential={credential} />
        </dd>
        <dt>{say("credential.received")}</dt>
        <dd>{moment(credential.received, language)}</dd>
        {credential.child !== null && (
          <>
            <dt>{say("credential.child")}</dt>
            <dd>{credential.child.name ?? say("home.child.unnamed", { number: credential.child.id })}</dd>
          </>
        )}
      </dl>
      <h3>{say("credential.attributes")}</h3>
      <dl class="facts">
        {credential.attributes.map((each, at) => (
          <div key={at} class="pair">
            <dt>{told(each.name)}</dt>
            <dd>{each.value ? told(each.value) : <span class="quiet">{say("credential.no_value")}</span>}</dd>
          </div>
        ))}
      </dl>
      <FaultTold fault={fault} />
      <div class="row">
        <button type="button" onClick={back}>
          {say("vault.back")}
        </button>
        {!sure && (
          <button type="button" class="small" onClick={() => setSure(true)}>
            {say("credential.remove")}
          </button>
        )}
      </div>
      {sure && (
        <div role="alert">
          <Told as="bad">{say("credential.remove.sure")}</Told>
          <div class="row">
            <button type="button" disabled={busy} onClick={() => act(() => vault.removeCredential(id).then(removed))}>
              {say("credential.remove.yes")}
            </button>
            <button type="button" class="first" onClick={() => setSure(false)}>
              {say("credential.remove.no")}
            </button>
          </div>
        </div>
      )}
    </Screen>
  );
}
