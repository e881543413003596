// One part of an errand as a clerk reads it, and what the clerk tells its holder.
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { moment } from "../messages/index.js";
import { EdgeError, isSignedOut } from "../ui/edge.js";
import { Told } from "../ui/shell.js";
import { Facts } from "./facts.js";
import { type Listed, type Row, type Sheet, type Told as Decided, recordAddress, sheet, tell } from "./parts.js";
import { BOARD_ADDRESS } from "./place.js";
import { useTexts } from "./texts/index.js";

interface Props {
  readonly name: string;
  readonly listed: Listed;
  readonly out: () => void;
}

export function Part({ name, listed, out }: Props): VNode {
  const { text } = useTexts();
  const [told, show] = useState<Sheet>();
  const [failed, setFailed] = useState<unknown>();
  // It is read again when the board says something else of it.
  const seen = JSON.stringify(listed.rows.find((each) => each.name === name) ?? null);
  useEffect(() => {
    let current = true;
    sheet(name).then(
      (found) => {
        if (!current) return;
        show(found);
        setFailed(undefined);
      },
      (error: unknown) => {
        if (!current) return;
        if (isSignedOut(error)) out();
        else setFailed(error);
      },
    );
    return () => void (current = false);
  }, [name, seen]);
  const gone = failed instanceof EdgeError && failed.status === 404;
  return (
    <section class="card" aria-labelledby="part">
      <p class="unprinted">
        <a href={BOARD_ADDRESS}>{text("sheet.back")}</a>
      </p>
      <div role="status">
        {told === undefined && failed === undefined && <p>{text("parts.loading")}</p>}
        {gone && <Told as="unsure">{text("sheet.gone")}</Told>}
        {failed !== undefined && !gone && <Told as="unsure">{text("away")}</Told>}
      </div>
      {told === undefined && (
        <h2 id="part" class="hidden">
          {text("view.errands")}
        </h2>
      )}
      {told !== undefined && !gone && <Shown told={told} listed={listed} out={out} show={show} />}
    </section>
  );
}

interface ShownProps {
  readonly told: Sheet;
  readonly listed: Listed;
  readonly out: () => void;
  readonly show: (told: Sheet) => void;
}

function Shown({ told, listed, out, show }: ShownProps): VNode {
  const { text, of, language } = useTexts();
  const { row } = told;
  const step = listed.steps.find((each) => each.part === row.part);
  return (
    <>
      <h2 id="part">{step === undefined ? row.part : of(step.name)}</h2>
      <p class="facts" role="status" data-test="facts">
        <Facts row={row} listed={listed} />
      </p>
      {(row.state === "waiting" || row.state === "asked") && <p class="quiet">{text("sheet.nothing")}</p>}
      {told[language].length > 0 && <h3>{text("sheet.proven")}</h3>}
      <ul class="lines" data-test="lines">
        {told[language].map((each, at) => (
          <li key={at}>{each}</li>
        ))}
      </ul>
      {told.declared.length > 0 && (
        <>
          <h3>{text("sheet.declared")}</h3>
          <dl class="facts" data-test="declared">
            {told.declared.map((each, at) => [
              <dt key={`name-${at}`}>{of(each.name)}</dt>,
              <dd key={`value-${at}`}>{of(each.value)}</dd>,
            ])}
          </dl>
        </>
      )}
      <Decisions told={told} />
      <div class="row unprinted">
        {told.record && (
          <a class="button" href={recordAddress(row.name)} download="record.json">
            {text("sheet.record")}
          </a>
        )}
        <button type="button" onClick={() => print()}>
          {text("sheet.print")}
        </button>
      </div>
      {(row.state === "received" || row.state === "in-progress") && <Decide row={row} out={out} show={show} />}
    </>
  );
}

function Decisions({ told }: { told: Sheet }): VNode | null {
  const { text, language } = useTexts();
  if (told.decisions.length === 0) return null;
  return (
    <>
      <h3>{text("sheet.decided")}</h3>
      <ul class="lines" data-test="decisions">
        {told.decisions.map((each, at) => (
          <li key={at}>
            {moment(Date.parse(each.time), language)}: {text(`state.${each.state}`)}
            {each.message !== "" && `; ${each.message}`}
            {each.document !== "" && `; ${text("sheet.document", { document: each.document })}`}
          </li>
        ))}
      </ul>
    </>
  );
}

interface DecideProps {
  readonly row: Row;
  readonly out: () => void;
  readonly show: (told: Sheet) => void;
}

function Decide({ row, out, show }: DecideProps): VNode {
  const { text, language } = useTexts();
  const [message, setMessage] = useState("");
  const [number, setNumber] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const sending = useRef(false);
  // The same thing that is sent again, since no answer came, is the same act: it is told once.
  const last = useRef({ said: "", act: "" });
  const decide = (state: Decided): void => {
    if (sending.current) return;
    const said = { seen: row.state, state, message: oneLine(message), document: oneLine(number) };
    if (state === "rejected" && said.message === "") {
      setError("missing");
      return;
    }
    const written = JSON.stringify(said);
    if (last.current.said !== written) last.current = { said: written, act: crypto.randomUUID() };
    sending.current = true;
    setBusy(true);
    setError(undefined);
    tell(row.name, { act: last.current.act, ...said })
      .then(
        (told) => {
          setMessage("");
          setNumber("");
          show(told);
        },
        (failed: unknown) => {
          if (isSignedOut(failed)) out();
          else setError(failed);
        },
      )
      .finally(() => {
        sending.current = false;
        setBusy(false);
      });
  };
  const why = (): string => {
    if (error === "missing") return text("decide.message.missing");
    if (!(error instanceof EdgeError)) return text("decide.away");
    return error.texts?.[language] ?? text("decide.refused", { reason: error.reason });
  };
  return (
    <form class="unprinted decide" onSubmit={(event) => event.preventDefault()}>
      <h3>{text("decide")}</h3>
      <p>
        <label for="message">{text("decide.message")}</label>
        <input
          id="message"
          autocomplete="off"
          maxLength={300}
          aria-describedby="message-about"
          value={message}
          onInput={(event) => setMessage(event.currentTarget.value)}
        />
        <span id="message-about" class="quiet">
          {text("decide.message.about")}
        </span>
      </p>
      <p>
        <label for="number">{text("decide.document")}</label>
        <input
          id="number"
          autocomplete="off"
          maxLength={60}
          value={number}
          onInput={(event) => setNumber(event.currentTarget.value)}
        />
      </p>
      <div class="row">
        <button type="button" class="first" disabled={busy || !row.ready} onClick={() => decide("done")}>
          {text("decide.done")}
        </button>
        {row.state === "received" && (
          <button type="button" disabled={busy || !row.ready} onClick={() => decide("in-progress")}>
            {text("decide.in-progress")}
          </button>
        )}
        <button type="button" disabled={busy} onClick={() => decide("rejected")}>
          {text("decide.rejected")}
        </button>
      </div>
      <div aria-live="assertive">
        {busy && <p>{text("decide.busy")}</p>}
        {error !== undefined && <Told as={error === "missing" ? "unsure" : "bad"}>{why()}</Told>}
      </div>
    </form>
  );
}

/** What was written, as one line: the service takes no other, and no text that is not in normal form. */
const oneLine = (written: string): string => written.replace(/\s+/g, " ").trim().normalize("NFC");
