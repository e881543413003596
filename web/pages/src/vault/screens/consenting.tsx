// The consent to an errand: what its counters want to be told, then one screen with a section for each, and one yes.
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { Told } from "../../ui/shell.js";
import type { AskedPartView, ErrandAnswers, ErrandAskView, FieldView, PartAnswer } from "../errands/model.js";
import type { Choice, Fault } from "../model.js";
import { errands } from "../texts/errands.js";
import { forms } from "../texts/forms.js";
import { useIn, useSay, useSayOf } from "../texts/index.js";
import { Asker, useOver, WayShown, Ways } from "./ask.js";
import { FaultTold, Screen, useActing, useRead, useVault, Waited } from "./parts.js";

interface Props {
  readonly id: string;
  /** Back to the errand, whatever was said. */
  readonly done: () => void;
}

export function ErrandConsent({ id, done }: Props): VNode {
  const say = useSay();
  const said = useSayOf(errands);
  const vault = useVault();
  const [asked] = useRead(() => vault.askedErrand(id), [id]);
  if (asked !== null && "value" in asked) return <Consenting asked={asked.value} done={done} />;
  return (
    <Screen title={said("errand.asking")}>
      {asked === null ? <p role="status">{said("errand.reading")}</p> : <Waited read={asked}>{() => null}</Waited>}
      <button type="button" onClick={done}>
        {say("vault.back")}
      </button>
    </Screen>
  );
}

const answersOf = ({ parts }: ErrandAskView): ErrandAnswers =>
  Object.fromEntries(parts.map(({ part, answer }) => [part, answer]));

function Consenting({ asked: first, done }: { asked: ErrandAskView; done: () => void }): VNode {
  const vault = useVault();
  const [asked, setAsked] = useState(first);
  const [answers, setAnswers] = useState(() => answersOf(first));
  const [filling, fill] = useState(first.parts.some(({ fields }) => fields.length > 0));
  const choosing = useActing();
  const choose = (wanted: ErrandAnswers, then: () => void): void =>
    choosing.act(async () => {
      setAsked(await vault.chooseErrand(asked.id, wanted));
      setAnswers(wanted);
      then();
    });
  const change = (part: string, changed: Partial<PartAnswer>): ErrandAnswers =>
    ({ ...answers, [part]: { ...(answers[part] as PartAnswer), ...changed } });
  if (filling) {
    const type = (part: string, field: string, value: string): void => {
      choosing.clear();
      setAnswers(change(part, { declared: { ...answers[part]?.declared, [field]: value } }));
    };
    const next = (): void => choose(answers, () => fill(false));
    return <Forms asked={asked} answers={answers} type={type} next={next} choosing={choosing} done={done} />;
  }
  const pick = (part: string, choice: Choice): void => choose(change(part, { choice }), () => undefined);
  const again = asked.parts.some(({ fields }) => fields.length > 0) ? () => fill(true) : null;
  return <Whole asked={asked} answers={answers} pick={pick} again={again} choosing={choosing} done={done} />;
}

type Acting = ReturnType<typeof useActing>;

interface FormsProps {
  readonly asked: ErrandAskView;
  readonly answers: ErrandAnswers;
  readonly type: (part: string, field: string, value: string) => void;
  readonly next: () => void;
  readonly choosing: Acting;
  readonly done: () => void;
}

function Forms({ asked, answers, type, next, choosing, done }: FormsProps): VNode {
  const say = useSay();
  const tell = useSayOf(forms);
  const told = useIn();
  const submit = (event: Event): void => {
    event.preventDefault();
    next();
  };
  return (
    <Screen title={tell("title")}>
      <p class="quiet">{tell("about")}</p>
      <form onSubmit={submit}>
        {asked.parts.filter(({ fields }) => fields.length > 0).map(({ part, declares, fields }) => (
          <section key={part}>
            <h3>{declares && told(declares.heading)}</h3>
            {fields.map((each) => (
              <Field
                key={each.id}
                id={`${part}-${each.id}`}
                field={each}
                value={typed(answers, part, each.id)}
                wrong={isOf(choosing.fault, part, each.id)}
                changed={(value) => type(part, each.id, value)}
              />
            ))}
          </section>
        ))}
        <FaultTold fault={choosing.fault} />
        <div class="row">
          <button type="submit" class="first" disabled={choosing.busy}>
            {tell("next")}
          </button>
          <button type="button" disabled={choosing.busy} onClick={done}>
            {say("vault.back")}
          </button>
        </div>
      </form>
    </Screen>
  );
}

/** What was typed; a field may be called as something that every object has. */
function typed(answers: ErrandAnswers, part: string, field: string): string {
  const declared = answers[part]?.declared ?? {};
  return Object.hasOwn(declared, field) ? (declared[field] as string) : "";
}

/** Whether a fault is about this field: FORM_INCOMPLETE names it first (errands/planning.ts). */
const isOf = (fault: Fault | null, part: string, field: string): boolean =>
  fault?.reason === "FORM_INCOMPLETE" && fault.detail.startsWith(`${part}: ${field}: `);

interface FieldProps {
  readonly id: string;
  readonly field: FieldView;
  readonly value: string;
  /** Whether the vault did not take it as it is. */
  readonly wrong: boolean;
  readonly changed: (value: string) => void;
}

function Field({ id, field, value, wrong, changed }: FieldProps): VNode {
  const tell = useSayOf(forms);
  const told = useIn();
  const own = useRef<HTMLInputElement>(null);
  const name = told(field.name);
  const most = field.maxLength;
  // As the counter is told it: what a browser counts are halves of a character, or a third of one.
  const used = field.type === "text" ? octetsOf(value) : 0;
  const long = used > most ? tell("long", { used, most }) : "";
  useEffect(() => own.current?.setCustomValidity(long), [long]);
  useEffect(() => void (wrong && own.current?.focus()), [wrong]);
  const about = `${id}-about`;
  const input = (event: { readonly currentTarget: HTMLInputElement }): void => changed(event.currentTarget.value);
  const common = {
    id, autocomplete: "off", required: !field.optional, value, onInput: input, ref: own,
    "aria-invalid": wrong || long !== "", "aria-describedby": about,
  } as const;
  return (
    <p>
      <label for={id}>{field.optional ? tell("optional", { field: name }) : name}</label>
      {field.type === "date" && <input type="date" {...common} />}
      {field.type === "number" && <input inputMode="numeric" pattern="[+\-]?[0-9]{1,19}" {...common} />}
      {field.type === "text" && <input {...common} />}
      <span id={about} class="quiet">
        {wrong && <strong>{tell("wrong", { field: name, how: tell(`how.${field.type}`, { most }) })}</strong>}
        {!wrong && field.type === "text" && (long || tell("octets", { used, most }))}
      </span>
    </p>
  );
}

const octetsOf = (written: string): number => new TextEncoder().encode(written.normalize("NFC")).length;

interface WholeProps {
  readonly asked: ErrandAskView;
  readonly answers: ErrandAnswers;
  readonly pick: (part: string, choice: Choice) => void;
  /** Back to the forms, where there are any. */
  readonly again: (() => void) | null;
  readonly choosing: Acting;
  readonly done: () => void;
}

function Whole({ asked, answers, pick, again, choosing, done }: WholeProps): VNode {
  const say = useSay();
  const said = useSayOf(errands);
  const tell = useSayOf(forms);
  const told = useIn();
  const vault = useVault();
  const acting = useActing();
  const over = useOver(asked.ends);
  const lacking = asked.parts.filter((each) => wayOf(each, answers)?.missing.length !== 0);
  const open = lacking.length === 0 && asked.shared !== null && !over;
  const busy = acting.busy || choosing.busy;
  const agree = (): void => acting.act(() => vault.submitErrand(asked.id, answers).then(done));
  const decline = (): void => acting.act(() => vault.declineErrand(asked.id).then(done));
  return (
    <Screen title={told(asked.heading)}>
      <p>{told(asked.about)}</p>
      <p class="quiet">{told(asked.until)}</p>
      {lacking.length > 0 && (
        <>
          <Told as="unsure">{said("errand.missing")}</Told>
          <ul>
            {lacking.map((each) => (
              <li key={each.part}>
                {told(each.heading)}
                {each.ways.some(({ missing }) => missing.length === 0) && <p class="quiet">{tell("other")}</p>}
              </li>
            ))}
          </ul>
        </>
      )}
      {asked.parts.map((each) => (
        <Part key={each.part} part={each} answer={answers[each.part] as PartAnswer} pick={(choice) => pick(each.part, choice)} />
      ))}
      {asked.shared && (
        <section data-test="shared">
          <h3>{told(asked.shared.heading)}</h3>
          <ul>
            {asked.shared.lines.map((each, at) => (
              <li key={at}>{told(each)}</li>
            ))}
          </ul>
        </section>
      )}
      <FaultTold fault={choosing.fault ?? acting.fault} />
      <div role="status">
        {acting.busy && <p>{said("errand.proving")}</p>}
        {over && <Told as="unsure">{say("ask.expired")}</Told>}
      </div>
      {open && <p class="quiet">{said("errand.nothing_yet")}</p>}
      <div class="row">
        {open && (
          <button type="button" class="first" disabled={busy} onClick={agree}>
            {said("errand.agree")}
          </button>
        )}
        {asked.mayEnd && (
          <button type="button" disabled={busy} onClick={decline}>
            {said("errand.decline")}
          </button>
        )}
        {again && (
          <button type="button" disabled={busy} onClick={again}>
            {tell("again")}
          </button>
        )}
        <button type="button" class="small" disabled={busy} onClick={done}>
          {say("vault.back")}
        </button>
      </div>
    </Screen>
  );
}

const wayOf = ({ part, ways }: AskedPartView, answers: ErrandAnswers) =>
  ways.find(({ branch }) => branch === answers[part]?.choice.branch);

interface PartProps {
  readonly part: AskedPartView;
  readonly answer: PartAnswer;
  readonly pick: (choice: Choice) => void;
}

function Part({ part: { part, heading, asker, ends, ways, declares }, answer: { choice }, pick }: PartProps): VNode {
  const told = useIn();
  const way = ways.find(({ branch }) => branch === choice.branch);
  const scope = `${part}-`;
  return (
    <section data-part={part}>
      <h3>{told(heading)}</h3>
      <Asker asker={asker} ends={ends} />
      {ways.length > 1 && (
        <Ways scope={scope} ways={ways} chosen={choice.branch} choose={(branch) => pick({ branch, chosen: {} })} />
      )}
      {way && (
        <WayShown
          level={4}
          scope={scope}
          way={way}
          choose={(query, credential) => pick({ ...choice, chosen: { ...choice.chosen, [query]: credential } })}
        />
      )}
      {declares?.values && (
        <div class="group shown">
          <h4>{told(declares.heading)}</h4>
          <ul>
            {declares.values.map((each, at) => (
              <li key={at}>
                {told(each.name)}: <strong>{told(each.value)}</strong>
              </li>
            ))}
          </ul>
        </div>
      )}
    </section>
  );
}
