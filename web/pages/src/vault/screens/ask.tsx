// The consent screen: who asks, why, what they would see and what is only proven, and two buttons.
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";

import { moment } from "../../messages/index.js";
import { useSettings } from "../../ui/settings.js";
import { Told } from "../../ui/shell.js";
import type { AskerView, Choice, RequestView, ShownCredential, UseView, WayView } from "../model.js";
import { type Key, useIn, useSay } from "../texts/index.js";
import { Lines } from "./lines.js";
import { FaultTold, Screen, useActing, useVault } from "./parts.js";

interface Props {
  readonly request: RequestView;
  readonly answered: (use: UseView | "declined") => void;
  readonly done: () => void;
}

export function Ask({ request: given, answered, done }: Props): VNode {
  const say = useSay();
  const told = useIn();
  const vault = useVault();
  const [request, setRequest] = useState(given);
  const [choice, setChoice] = useState<Choice>(() => first(given.ways));
  const choosing = useActing();
  const acting = useActing();
  const over = useOver(request.ends);
  const way = request.ways.find((each) => each.branch === choice.branch);
  const open = way !== undefined && way.missing.length === 0 && request.refused === null && !over;
  const choose = (wanted: Choice): void =>
    choosing.act(async () => {
      setRequest(await vault.choose(request.id, wanted));
      setChoice(wanted);
    });
  const agree = (): void => acting.act(async () => answered(await vault.agree(request.id, choice)));
  const decline = (): void =>
    acting.act(async () => {
      await vault.decline(request.id);
      answered("declined");
    });
  return (
    <Screen title={say("ask.title", { name: told(request.asker.name) })}>
      <Asker asker={request.asker} ends={request.ends} />
      {request.refused ? (
        <div role="alert">
          <Told as="bad">{say("ask.refused")}</Told>
          <FaultTold fault={request.refused} />
        </div>
      ) : (
        <>
          {request.ways.length > 1 && (
            <Ways ways={request.ways} chosen={choice.branch} choose={(branch) => choose({ branch, chosen: {} })} />
          )}
          {way && (
            <WayShown way={way} choose={(query, credential) =>
              choose({ branch: way.branch, chosen: { ...choice.chosen, [query]: credential } })} />
          )}
        </>
      )}
      <FaultTold fault={choosing.fault ?? acting.fault} />
      <div role="status">
        {acting.busy && <p>{say("ask.proving")}</p>}
        {over && <Told as="unsure">{say("ask.expired")}</Told>}
      </div>
      {open && <p class="quiet">{say("ask.nothing_yet")}</p>}
      <div class="row">
        {open && (
          <button type="button" class="first" disabled={acting.busy || choosing.busy} onClick={agree}>
            {say("ask.agree")}
          </button>
        )}
        {request.refused === null && !over && (
          <button type="button" disabled={acting.busy} onClick={decline}>
            {say("ask.decline")}
          </button>
        )}
        <button type="button" class="small" disabled={acting.busy} onClick={done}>
          {say("vault.back")}
        </button>
      </div>
    </Screen>
  );
}

/** The first way that can be answered, else the first: from a later one it may be inferred what is not held. */
function first(ways: readonly WayView[]): Choice {
  const way = ways.find((each) => each.missing.length === 0) ?? ways[0];
  return { branch: way?.branch ?? "", chosen: {} };
}

/** Whether the time to answer is over, as time goes by. */
export function useOver(ends: number): boolean {
  const [over, setOver] = useState(Date.now() >= ends);
  useEffect(() => {
    const left = ends - Date.now();
    if (left > 2 ** 31 - 1) return undefined;
    const timer = setTimeout(() => setOver(true), Math.max(0, left));
    return () => clearTimeout(timer);
  }, [ends]);
  return over;
}

interface AskerProps {
  readonly asker: AskerView;
  readonly ends: number;
  /** How it is said until when it can be answered. */
  readonly until?: Key;
}

export function Asker({ asker, ends, until = "ask.until" }: AskerProps): VNode {
  const say = useSay();
  const told = useIn();
  const { language } = useSettings();
  return (
    <dl class="facts">
      <dt>{say("ask.who")}</dt>
      <dd>
        {told(asker.name)} <span class="quiet mono">{asker.verifier}</span>
      </dd>
      <dt>{say("ask.why")}</dt>
      <dd>{told(asker.purpose)}</dd>
      {asker.legalBasis && (
        <>
          <dt>{say("ask.law")}</dt>
          <dd>{told(asker.legalBasis)}</dd>
        </>
      )}
      {asker.retention && (
        <>
          <dt>{say("ask.kept")}</dt>
          <dd>{told(asker.retention)}</dd>
        </>
      )}
      <dt>{say("ask.before")}</dt>
      <dd>{told(asker.before)}</dd>
      {(asker.facts ?? []).map((each, at) => (
        <dd key={at} class="quiet">
          {told(each)}
        </dd>
      ))}
      <dd class="quiet">{say(until, { time: moment(ends, language) })}</dd>
    </dl>
  );
}

interface WaysProps {
  /** What tells one question's from another's where several stand on a screen. */
  readonly scope?: string;
  readonly ways: readonly WayView[];
  readonly chosen: string;
  readonly choose: (branch: string) => void;
}

export function Ways({ scope = "", ways, chosen, choose }: WaysProps): VNode {
  const say = useSay();
  const told = useIn();
  return (
    <fieldset>
      <legend>{say("ask.ways")}</legend>
      {ways.map((each, at) => (
        <p key={each.branch}>
          <input
            id={`way-${scope}${at}`}
            type="radio"
            name={`way-${scope}`}
            checked={each.branch === chosen}
            onChange={() => choose(each.branch)}
          />{" "}
          <label for={`way-${scope}${at}`} class="inline">
            {told(each.label)}
          </label>
        </p>
      ))}
    </fieldset>
  );
}

interface WayProps {
  readonly scope?: string;
  /** Of the headings of its credentials: below that of whatever it stands in. */
  readonly level?: 3 | 4;
  readonly way: WayView;
  readonly choose?: (query: string, credential: string) => void;
}

export function WayShown({ scope = "", level = 3, way, choose }: WayProps): VNode {
  const say = useSay();
  const told = useIn();
  if (way.missing.length > 0) {
    return (
      <div>
        <Told as="unsure">{say("ask.missing")}</Told>
        <ul>
          {way.missing.map((each, at) => (
            <li key={at}>{told(each)}</li>
          ))}
        </ul>
      </div>
    );
  }
  return (
    <>
      {way.credentials.map((each) => (
        <OneShown key={each.query} scope={scope} level={level} shown={each} choose={choose} />
      ))}
      <Lines lines={way.lines} level={level} />
    </>
  );
}

interface OneProps {
  readonly scope: string;
  readonly level: 3 | 4;
  readonly shown: ShownCredential;
  readonly choose: WayProps["choose"];
}

function OneShown({ scope, level, shown, choose }: OneProps): VNode {
  const Heading = `h${level}` as const;
  const say = useSay();
  const told = useIn();
  const id = `of-${scope}${shown.query}`;
  return (
    <section>
      <Heading>{say("ask.from", { title: told(shown.title), department: told(shown.departmentName) })}</Heading>
      {choose && shown.choices.length > 1 && (
        <p>
          <label for={id}>{say("ask.choose")}</label>
          <select
            id={id}
            value={shown.choices[0]?.credential ?? ""}
            onChange={(event) => choose(shown.query, event.currentTarget.value)}
          >
            {shown.choices.map((each) => (
              <option key={each.credential} value={each.credential}>
                {told(each.label)}
              </option>
            ))}
          </select>
        </p>
      )}
      <Lines lines={shown.lines} level={level} />
    </section>
  );
}
