// The counter: a clerk signs in, chooses a purpose, shows the code, and sees what was proven.
import { type VNode, render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { moment, useText } from "../messages/index.js";
import { QrCode } from "../ui/qr.js";
import { useSettings } from "../ui/settings.js";
import { Shell, Told } from "../ui/shell.js";
import { Away, SignIn } from "../ui/sign-in.js";
import { Board } from "./board.js";
import "../ui/style.css";
import * as desk from "./desk.js";
import { type View, usePlace } from "./place.js";
import "./style.css";
import { useTexts } from "./texts/index.js";

type At =
  | { readonly step: "looking" }
  | { readonly step: "away" }
  | { readonly step: "out" }
  | { readonly step: "choosing"; readonly offered: desk.Purposes }
  | { readonly step: "asking"; readonly offered: desk.Purposes; readonly question: desk.Question }
  | {
      readonly step: "ended";
      readonly offered: desk.Purposes;
      readonly question: desk.Question;
      readonly outcome: desk.Outcome;
    };

function Counter(): VNode {
  const { text: own } = useTexts();
  const text = useText();
  const [at, go] = useState<At>({ step: "looking" });
  const look = (): void => {
    const found = async (offered: desk.Purposes): Promise<At> => {
      const question = await desk.remembered();
      return question === null ? { step: "choosing", offered } : { step: "asking", offered, question };
    };
    desk.purposes().then(found).then(
      go,
      (error: unknown) => go({ step: error instanceof desk.DeskError && error.status === 401 ? "out" : "away" }),
    );
  };
  useEffect(look, []);
  const next = (offered: desk.Purposes): void => {
    desk.remember(null);
    go({ step: "choosing", offered });
  };
  const place = usePlace();
  const offered = "offered" in at ? at.offered : undefined;
  const ids = viewsOf(offered);
  const view = ids.find((each) => each === place.view) ?? ids[0];
  const views = ids.map((id) => ({ id, label: own(`view.${id}`) }));
  const onBoard = view === "errands";
  return (
    <Shell title={text("counter.title")} views={views} view={view ?? ""} footer={text("counter.footer")}>
      {at.step === "looking" && <p role="status">{text("app.loading")}</p>}
      {at.step === "away" && <Away away={text("counter.away")} again={look} />}
      {at.step === "out" && (
        <SignIn
          part="counter"
          about={text("counter.sign_in.about")}
          label={text("counter.code")}
          wrong={text("counter.code_wrong")}
          away={text("counter.away")}
          done={look}
        />
      )}
      {onBoard && <Board part={place.part} out={() => go({ step: "out" })} />}
      {!onBoard && at.step === "choosing" && (
        <Choosing
          offered={at.offered}
          asked={(question) => {
            desk.remember(question.ask);
            go({ step: "asking", offered: at.offered, question });
          }}
          out={() => go({ step: "out" })}
        />
      )}
      {!onBoard && at.step === "asking" && (
        <Asking
          question={at.question}
          ended={(outcome) => go({ ...at, step: "ended", outcome })}
          back={() => next(at.offered)}
        />
      )}
      {!onBoard && at.step === "ended" && (
        <Ended
          question={at.question}
          outcome={at.outcome}
          back={() => next(at.offered)}
        />
      )}
    </Shell>
  );
}

/** What there is to look at where there is more than asking. */
function viewsOf(offered: desk.Purposes | undefined): readonly View[] {
  if (offered?.board !== true) return [];
  return offered.purposes.length > 0 ? ["ask", "errands"] : ["errands"];
}

interface ChoosingProps {
  readonly offered: desk.Purposes;
  readonly asked: (question: desk.Question) => void;
  readonly out: () => void;
}

function Choosing({ offered, asked, out }: ChoosingProps): VNode {
  const text = useText();
  const { language } = useSettings();
  const [busy, setBusy] = useState(false);
  const [pairing, setPairing] = useState(false);
  const [error, setError] = useState<unknown>();
  const sent = useRef(false);
  const choose = (id: string): void => {
    if (sent.current) return; // a second tap comes before the page is drawn again
    sent.current = true;
    setBusy(true);
    setError(undefined);
    desk.ask(id, pairing).then(asked, (failed: unknown) => {
      sent.current = false;
      setBusy(false);
      if (failed instanceof desk.DeskError && failed.status === 401) out();
      else setError(failed);
    });
  };
  const told = error instanceof desk.DeskError ? error.texts?.[language] : undefined;
  return (
    <section class="card" aria-labelledby="purposes">
      <h2 id="purposes">{text("counter.choose")}</h2>
      <p class="quiet">{text("counter.as", { verifier: offered.verifier })}</p>
      <p>
        <input
          id="pairing"
          type="checkbox"
          checked={pairing}
          onChange={(event) => setPairing(event.currentTarget.checked)}
        />{" "}
        <label for="pairing">{text("counter.pair")}</label>
      </p>
      <ul class="choices">
        {offered.purposes.map((each) => (
          <li key={each.id}>
            <button type="button" disabled={busy} onClick={() => choose(each.id)}>
              {each[language]}
            </button>
          </li>
        ))}
      </ul>
      <div aria-live="assertive">{error !== undefined && <Told as="bad">{told ?? text("counter.away")}</Told>}</div>
      <p>
        <button type="button" class="small" onClick={() => void desk.signOut().finally(out)}>
          {text("counter.sign_out")}
        </button>
      </p>
    </section>
  );
}

interface AskingProps {
  readonly question: desk.Question;
  readonly ended: (outcome: desk.Outcome) => void;
  readonly back: () => void;
}

function Asking({ question, ended, back }: AskingProps): VNode {
  const text = useText();
  const { language } = useSettings();
  const [holds, setHolds] = useState(true);
  useEffect(() => desk.watch(question.ask, ended, setHolds), [question.ask]);
  return (
    <section class="card" aria-labelledby="asking">
      <h2 id="asking">{text("counter.show")}</h2>
      <QrCode modules={question.modules} label={text("counter.qr")} />
      {question.pairing_code && (
        <p>
          {text("counter.pairing")} <span class="code">{question.pairing_code}</span>
        </p>
      )}
      <div role="status">
        {holds ? <p>{text("counter.waiting")}</p> : <Told as="unsure">{text("live.off")}</Told>}
      </div>
      <p class="quiet">{text("counter.until", { time: moment(Date.parse(question.expires), language) })}</p>
      <details>
        <summary>{text("counter.link")}</summary>
        <p class="mono" data-test="link">
          {question.link}
        </p>
      </details>
      <button type="button" onClick={back}>
        {text("counter.back")}
      </button>
    </section>
  );
}

interface EndedProps {
  readonly question: desk.Question;
  readonly outcome: desk.Outcome;
  readonly back: () => void;
}

function Ended({ question, outcome, back }: EndedProps): VNode {
  const text = useText();
  const { language } = useSettings();
  const state = outcome.state as Exclude<desk.State, "waiting">;
  return (
    <section class="card" aria-labelledby="ended">
      <div role="status">
        <h2 id="ended">{text(`counter.${state}`)}</h2>
        <Told as={state === "answered" ? "good" : state === "refused" ? "bad" : "unsure"}>
          {text(`counter.${state}.about`)}
        </Told>
      </div>
      <ul class="lines" data-test="lines">
        {outcome[language].map((each, at) => (
          <li key={at}>{each}</li>
        ))}
      </ul>
      <div class="row unprinted">
        {outcome.record && (
          <a class="button" href={desk.recordAddress(question.ask)} download="record.json">
            {text("counter.record")}
          </a>
        )}
        <button type="button" onClick={() => print()}>
          {text("counter.print")}
        </button>
        <button type="button" class="first" onClick={back}>
          {text("counter.next")}
        </button>
      </div>
    </section>
  );
}

render(<Counter />, document.getElementById("page")!);
