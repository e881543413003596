// Standing consents: terms that somebody asks for, granted or declined; those that were granted, and their withdrawal.
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";

import { Told } from "../../ui/shell.js";
import type { AttendedView, ConsentView, Fault, LimitsView, StandingView } from "../model.js";
import { faultOf, useDay, useIn, useSay } from "../texts/index.js";
import { Asker, useOver, WayShown } from "./ask.js";
import { AttendedTold } from "./attended.js";
import { FaultTold, Screen, useActing, useRead, useVault, Waited } from "./parts.js";

interface TermsProps {
  readonly consent: ConsentView;
  readonly declined: () => void;
  readonly done: () => void;
}

export function Terms({ consent, declined, done }: TermsProps): VNode {
  const say = useSay();
  const told = useIn();
  const vault = useVault();
  const { busy, fault, act } = useActing();
  const [granted, setGranted] = useState<StandingView>();
  const over = useOver(consent.ends);
  const open = consent.way.missing.length === 0 && !over;
  if (granted !== undefined) return <Granted standing={granted} done={done} />;
  return (
    <Screen title={say("terms.title", { name: told(consent.asker.name) })}>
      <p>{say("terms.about")}</p>
      <Asker asker={consent.asker} ends={consent.ends} until="terms.until" />
      <Limits limits={consent.limits} />
      <h3>{say("terms.each")}</h3>
      <WayShown level={4} way={consent.way} />
      <FaultTold fault={fault} />
      <div role="status">
        {busy && <p>{say("vault.loading")}</p>}
        {over && <Told as="unsure">{say("ask.expired")}</Told>}
      </div>
      {open && <p class="quiet">{say("terms.nothing_yet")}</p>}
      <div class="row">
        {open && (
          <button
            type="button"
            class="first"
            disabled={busy}
            onClick={() => act(async () => setGranted(await vault.grant(consent.id)))}
          >
            {say("terms.grant")}
          </button>
        )}
        {!over && (
          <button type="button" disabled={busy} onClick={() => act(() => vault.decline(consent.id).then(declined))}>
            {say("ask.decline")}
          </button>
        )}
        <button type="button" class="small" disabled={busy} onClick={done}>
          {say("vault.back")}
        </button>
      </div>
    </Screen>
  );
}

function Granted({ standing, done }: { standing: StandingView; done: () => void }): VNode {
  const say = useSay();
  const told = useIn();
  return (
    <Screen title={say("terms.title", { name: told(standing.verifierName) })}>
      <div role="status">
        <Told as="good">{say("terms.granted")}</Told>
        {standing.granting && <Told as="unsure">{say("standing.granting")}</Told>}
      </div>
      <button type="button" class="first" onClick={done}>
        {say("vault.view.home")}
      </button>
    </Screen>
  );
}

function Limits({ limits: { times, intervalDays, until } }: { limits: LimitsView }): VNode {
  const say = useSay();
  const day = useDay();
  return (
    <>
      <h3>{say("ask.terms")}</h3>
      <ul>
        <li>{times === 1 ? say("limits.times.1") : say("limits.times", { times })}</li>
        {intervalDays > 0 && (
          <li>{intervalDays === 1 ? say("limits.interval.1") : say("limits.interval", { days: intervalDays })}</li>
        )}
        <li>{say("limits.until", { day: day(until) })}</li>
      </ul>
    </>
  );
}

export function Standing({ settled }: { settled: number }): VNode {
  const say = useSay();
  const vault = useVault();
  const [standing, again] = useRead(() => vault.standing(), [settled]);
  const missing = useRecovered(again, settled);
  return (
    <Screen title={say("vault.view.standing")}>
      <p class="quiet">{say("standing.about")}</p>
      <FaultTold fault={missing} />
      <Waited read={standing}>
        {(all) =>
          all.length === 0 ? (
            <p>{say("standing.none")}</p>
          ) : (
            <>
              <ul class="applications">
                {all.map((each) => (
                  <One key={each.id} standing={each} changed={again} />
                ))}
              </ul>
              <Attend changed={again} />
            </>
          )
        }
      </Waited>
    </Screen>
  );
}

/** Has those listed too that the ledger gave back; why one of them cannot be, null if all are. */
function useRecovered(changed: () => void, settled: number): Fault | null {
  const vault = useVault();
  const [fault, setFault] = useState<Fault | null>(null);
  useEffect(() => {
    let gone = false;
    vault.recoverStanding().then(
      ({ found, fault: one }) => {
        if (gone) return;
        setFault(one);
        if (found > 0) changed();
      },
      (error: unknown) => gone || setFault(faultOf(error)),
    );
    return () => void (gone = true);
  }, [settled]);
  return fault;
}

function One({ standing, changed }: { standing: StandingView; changed: () => void }): VNode {
  const say = useSay();
  const told = useIn();
  const vault = useVault();
  const [sure, setSure] = useState(false);
  const { busy, fault, act } = useActing();
  const { id, verifierName, purpose, limits, state, used, granting, withdrawing } = standing;
  const withdraw = (): void =>
    act(() =>
      vault.withdraw(id).then(() => {
        setSure(false);
        changed();
      }),
    );
  return (
    <li>
      <strong id={id}>{told(verifierName)}</strong>, {told(purpose)}
      <br />
      <span class={state === "granted" ? "state" : "state bad"}>{say(`standing.${state}`)}</span>
      {", "}
      {say("standing.used", { used, times: limits.times })}
      {state === "recovered" && <p class="quiet">{say("standing.recovered.about")}</p>}
      {granting && <Told as="unsure">{say("standing.granting")}</Told>}
      {withdrawing && <Told as="unsure">{say("standing.withdrawing")}</Told>}
      <Limits limits={limits} />
      <FaultTold fault={fault} />
      {state !== "withdrawn" && !sure && (
        <p class="row">
          <button type="button" class="small" aria-describedby={id} onClick={() => setSure(true)}>
            {say("standing.withdraw")}
          </button>
        </p>
      )}
      {sure && (
        <div role="alert">
          <Told as="unsure">{say("standing.withdraw.sure", { name: told(verifierName) })}</Told>
          <div class="row">
            <button type="button" disabled={busy} aria-describedby={id} onClick={withdraw}>
              {say("standing.withdraw.yes")}
            </button>
            <button type="button" class="first" disabled={busy} onClick={() => setSure(false)}>
              {say("standing.withdraw.no")}
            </button>
          </div>
        </div>
      )}
    </li>
  );
}

/** What waits is attended to whenever the vault is opened; who does not want to wait for that does it here. */
function Attend({ changed }: { changed: () => void }): VNode {
  const say = useSay();
  const vault = useVault();
  const [attended, setAttended] = useState<readonly AttendedView[]>();
  const { busy, fault, act } = useActing();
  const attend = (): void => act(async () => setAttended(await vault.attend().finally(changed)));
  return (
    <section aria-labelledby="attend">
      <h3 id="attend">{say("attend.title")}</h3>
      <p class="quiet">{say("attend.about")}</p>
      <FaultTold fault={fault} />
      <div role="status">
        {busy && <p>{say("attend.busy")}</p>}
        {!busy && attended !== undefined && <AttendedTold attended={attended} />}
      </div>
      <button type="button" disabled={busy} onClick={attend}>
        {say("attend.act")}
      </button>
    </section>
  );
}
