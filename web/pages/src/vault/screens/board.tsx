// One errand as it goes on: how far each counter is, what it has told, what was submitted to it and the receipt of that.
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { moment } from "../../messages/index.js";
import { useSettings } from "../../ui/settings.js";
import { Told } from "../../ui/shell.js";
import type { ErrandView, PartView, ToldView } from "../errands/model.js";
import type { Fault, UseView, Vault } from "../model.js";
import { errands } from "../texts/errands.js";
import { faultOf, useIn, useSay, useSayOf } from "../texts/index.js";
import { ErrandConsent } from "./consenting.js";
import { FaultTold, Screen, useActing, useVault } from "./parts.js";
import { UseShown } from "./uses.js";

const PAUSE_MS = 3_000;
/** Whoever tells much is not followed faster. */
const LEAST_MS = 1_000;

interface Props {
  readonly id: string;
  readonly back: () => void;
  /** Opens an offer that a counter has told. */
  readonly found: (link: string) => void;
}

export function Board({ id, back, found }: Props): VNode {
  const say = useSay();
  const tell = useSayOf(errands);
  const told = useIn();
  const vault = useVault();
  const [turn, setTurn] = useState(0);
  const [consenting, consent] = useState(false);
  const [use, setUse] = useState<UseView>();
  const [errand, fault] = useFollowed(vault, id, consenting ? null : turn);
  if (use !== undefined) return <UseShown use={use} back={() => setUse(undefined)} />;
  if (consenting) {
    const done = (): void => {
      consent(false);
      setTurn((count) => count + 1);
    };
    return <ErrandConsent id={id} done={done} />;
  }
  return (
    <Screen title={errand === undefined ? say("vault.view.errands") : told(errand.title)}>
      {errand === undefined && fault === null && <p role="status">{say("vault.loading")}</p>}
      {errand !== undefined && (
        <>
          <Standing errand={errand} look={() => consent(true)} />
          <h3>{tell("errand.parts")}</h3>
          <ol class="applications">
            {errand.parts.map((each) => (
              <Part key={each.part} errand={errand} part={each} found={found} show={setUse} />
            ))}
          </ol>
          <p class="quiet">{tell("errand.follow")}</p>
        </>
      )}
      <FaultTold fault={fault} />
      <div class="row">
        <button type="button" onClick={back}>
          {say("vault.back")}
        </button>
      </div>
      {errand !== undefined && mayEnd(errand) && (
        <GiveUp id={id} done={errand.state === null ? back : () => setTurn((count) => count + 1)} />
      )}
    </Screen>
  );
}

/** An errand as it is and at each change, and why that is not to be had now; followed anew at each turn, and not at none. */
function useFollowed(vault: Vault, id: string, turn: number | null): [ErrandView | undefined, Fault | null] {
  const [errand, setErrand] = useState<ErrandView>();
  const [fault, setFault] = useState<Fault | null>(null);
  useEffect(() => {
    if (turn === null) return undefined;
    const gone = new AbortController();
    void follow(vault, id, gone.signal, setErrand, setFault);
    return () => {
      gone.abort();
      void vault.leaveErrand().catch(() => undefined);
    };
  }, [id, turn]);
  return [errand, fault];
}

async function follow(
  vault: Vault, id: string, gone: AbortSignal, show: (errand: ErrandView) => void, fail: (fault: Fault | null) => void,
): Promise<void> {
  let mark = "";
  const kept = await vault.errand(id).catch(() => undefined);
  if (gone.aborted) return;
  if (kept !== undefined) show(kept);
  if (kept?.over) return;
  while (!gone.aborted) {
    let changed = false;
    try {
      const next = await vault.followErrand(id, mark);
      if (gone.aborted) return;
      changed = next.mark !== mark;
      mark = next.mark;
      show(next);
      fail(null);
      if (next.over) return;
    } catch (error) {
      if (gone.aborted) return;
      fail(faultOf(error));
      mark = ""; // as soon as it is reached again, that is to be seen
    }
    await new Promise((done) => setTimeout(done, changed ? LEAST_MS : PAUSE_MS));
  }
}

function Standing({ errand, look }: { errand: ErrandView; look: () => void }): VNode {
  const tell = useSayOf(errands);
  const told = useIn();
  const { language } = useSettings();
  const { stands, state, ends, asked, sending, over, stage, parts } = errand;
  const waits = !over && !sending && parts.some(({ state }) => state === "waiting");
  return (
    <>
      <div role="status">
        <Told as={state === "done" || (stage === "submitted" && !sending) ? "good" : "unsure"}>{told(stands)}</Told>
        {waits && <p>{tell("errand.waits")}</p>}
        {sending && <Told as="unsure">{tell("errand.sending")}</Told>}
      </div>
      {asked && (
        <p class="row">
          <button type="button" class="first" onClick={look}>
            {tell("errand.look")}
          </button>
        </p>
      )}
      {ends !== null && !over && <p class="quiet">{tell("errand.ends", { time: moment(ends, language) })}</p>}
    </>
  );
}

interface PartProps {
  readonly errand: ErrandView;
  readonly part: PartView;
  readonly found: (link: string) => void;
  readonly show: (use: UseView) => void;
}

function Part({ errand, part, found, show }: PartProps): VNode {
  const say = useSay();
  const tell = useSayOf(errands);
  const told = useIn();
  const vault = useVault();
  const { language } = useSettings();
  const { busy, fault, act } = useActing();
  const between = language === "zh" ? "、" : ", ";
  const id = `part-${part.part}`;
  return (
    <li data-part={part.part}>
      <strong id={id}>{told(part.name)}</strong>:{" "}
      <span class={part.state === "rejected" ? "state bad" : "state"}>{told(part.stands)}</span>
      {part.after.length > 0 && part.state === "submitted" && (
        <p class="quiet">{tell("bundle.after", { counters: part.after.map(told).join(between) })}</p>
      )}
      {part.told.map((each, at) => (
        <ToldShown key={at} told={each} found={found} labelled={id} />
      ))}
      {part.uses.map((each) => (
        <p key={each.id} class="row">
          <span>
            {tell("errand.submitted", { time: moment(each.time, language), state: say(`use.${each.state}`) })}{" "}
            {each.receipt !== "none" && <span class="quiet">{say(`receipt.${each.receipt}`)}</span>}
          </span>
          <button type="button" class="small" aria-describedby={id} onClick={() => show(each)}>
            {tell("errand.use")}
          </button>
        </p>
      ))}
      {part.state === "rejected" && !errand.over && (
        <p class="row">
          <button
            type="button"
            class="small"
            disabled={busy}
            aria-describedby={id}
            onClick={() => act(() => vault.retryErrand(errand.id, part.part).then(() => undefined))}
          >
            {tell("errand.retry")}
          </button>
        </p>
      )}
      <FaultTold fault={fault} />
    </li>
  );
}

interface ToldProps {
  readonly told: ToldView;
  readonly found: (link: string) => void;
  readonly labelled: string;
}

function ToldShown({ told: { time, stands, message, document, offer }, found, labelled }: ToldProps): VNode {
  const tell = useSayOf(errands);
  const told = useIn();
  const { language } = useSettings();
  return (
    <>
      <p>{tell("errand.told", { time: moment(time, language), text: told(message ?? stands) })}</p>
      {document !== "" && <p>{tell("errand.document", { document })}</p>}
      {offer !== null && (
        <p class="row">
          <span>{tell("errand.offer")}</span>
          <button type="button" class="small" aria-describedby={labelled} onClick={() => found(offer)}>
            {tell("errand.take")}
          </button>
        </p>
      )}
    </>
  );
}

/** Whether nothing of it was submitted; what nobody has told of yet may be given up too. */
const mayEnd = ({ over, stage, state }: ErrandView): boolean =>
  !over && stage === "begun" && (state === null || state === "open");

function GiveUp({ id, done }: { id: string; done: () => void }): VNode {
  const tell = useSayOf(errands);
  const vault = useVault();
  const [sure, setSure] = useState<boolean>();
  const { busy, fault, act } = useActing();
  const button = useRef<HTMLButtonElement>(null);
  const question = useRef<HTMLDivElement>(null);
  // The focus stays with whoever was asked, and with whoever keeps it.
  useEffect(() => (sure === undefined ? undefined : (sure ? question : button).current?.focus()), [sure]);
  if (sure !== true) {
    return (
      <button type="button" class="small" ref={button} onClick={() => setSure(true)}>
        {tell("errand.give_up")}
      </button>
    );
  }
  return (
    <div role="alert" tabIndex={-1} ref={question}>
      <Told as="bad">{tell("errand.give_up.sure")}</Told>
      <FaultTold fault={fault} />
      <div class="row">
        <button type="button" disabled={busy} onClick={() => act(() => vault.declineErrand(id).then(done))}>
          {tell("errand.give_up.yes")}
        </button>
        <button type="button" class="first" onClick={() => setSure(false)}>
          {tell("errand.give_up.no")}
        </button>
      </div>
    </div>
  );
}
