// The recovery secret as words, and the history that is read back from the ledger with it.
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";

import { useSettings } from "../../ui/settings.js";
import { Told } from "../../ui/shell.js";
import type { Fault, ReadingView } from "../model.js";
import { faultOf, useSay, useSayOf } from "../texts/index.js";
import { recovery } from "../texts/recovery.js";
import { FaultTold, Passphrase, useActing, useRead, useVault, Waited } from "./parts.js";

/** So many words are asked for again, each by its number. */
const ASKED = 3;

/** The words, to whoever gives the passphrase again, and whether they were written down. */
export function Words(): VNode {
  const say = useSay();
  const tell = useSayOf(recovery);
  const vault = useVault();
  const { language } = useSettings();
  const [passphrase, setPassphrase] = useState("");
  const [words, setWords] = useState<readonly string[]>();
  const [asked, setAsked] = useState<readonly number[]>();
  const [kept, setKept] = useState(false);
  const { busy, fault, act } = useActing();
  const show = (event: Event): void => {
    event.preventDefault();
    setKept(false);
    act(async () => {
      setWords(await vault.words(passphrase, language));
      setPassphrase("");
    });
  };
  const over = (wrote: boolean): void => {
    setWords(undefined);
    setAsked(undefined);
    setKept(wrote);
  };
  return (
    <section class="card" aria-labelledby="recovery">
      <h2 id="recovery">{tell("words.title")}</h2>
      <p>{tell("words.about")}</p>
      {words === undefined && (
        <form onSubmit={show}>
          <Passphrase
            id="words-passphrase" label={say("settings.old")} fresh={false} value={passphrase} changed={setPassphrase}
          />
          <FaultTold fault={fault} />
          <button type="submit" disabled={busy}>
            {tell("words.show")}
          </button>
        </form>
      )}
      {words !== undefined && asked === undefined && (
        <>
          <Told as="unsure">{tell("words.keep")}</Told>
          <ol class="words notranslate" translate={false} spellcheck={false} data-varies>
            {words.map((each, at) => (
              <li key={at}>{each}</li>
            ))}
          </ol>
          <div class="row">
            <button type="button" class="first" onClick={() => setAsked(drawn(words.length))}>
              {tell("words.written")}
            </button>
            <button type="button" onClick={() => over(false)}>
              {tell("words.hide")}
            </button>
          </div>
        </>
      )}
      {words !== undefined && asked !== undefined && (
        <Check words={words} asked={asked} again={() => setAsked(undefined)} right={() => over(true)} />
      )}
      <div role="status">{kept && <Told as="good">{tell("words.right")}</Told>}</div>
    </section>
  );
}

/** Different places, in their order. */
function drawn(count: number): readonly number[] {
  const places = Array.from({ length: count }, (_, at) => [crypto.getRandomValues(new Uint32Array(1))[0] ?? 0, at] as const);
  return places.sort(([one], [other]) => one - other).slice(0, ASKED).map(([, at]) => at).sort((one, other) => one - other);
}

interface CheckProps {
  readonly words: readonly string[];
  readonly asked: readonly number[];
  readonly again: () => void;
  readonly right: () => void;
}

function Check({ words, asked, again, right }: CheckProps): VNode {
  const tell = useSayOf(recovery);
  const [given, setGiven] = useState<Readonly<Record<number, string>>>({});
  const [wrong, setWrong] = useState(false);
  const check = (event: Event): void => {
    event.preventDefault();
    const isRight = asked.every((at) => (given[at] ?? "").trim().toLowerCase() === words[at]);
    setWrong(!isRight);
    if (isRight) right();
  };
  return (
    <form onSubmit={check}>
      <p>{tell("words.check")}</p>
      {asked.map((at) => (
        <p key={at}>
          <label for={`word-${at}`}>{tell("words.number", { number: at + 1 })}</label>
          <input
            id={`word-${at}`}
            required
            autocomplete="off"
            autocapitalize="none"
            autoCorrect="off"
            spellcheck={false}
            value={given[at] ?? ""}
            onInput={({ currentTarget: { value } }) => setGiven((before) => ({ ...before, [at]: value }))}
          />
        </p>
      ))}
      <div aria-live="assertive">{wrong && <Told as="bad">{tell("words.wrong")}</Told>}</div>
      <div class="row">
        <button type="submit" class="first">
          {tell("words.compare")}
        </button>
        <button type="button" onClick={again}>
          {tell("words.again")}
        </button>
      </div>
    </form>
  );
}

/** Settings: the words, and the reading, which any vault may begin. */
export function RecoverySettings(): VNode {
  return (
    <>
      <Words />
      <ReadBack />
    </>
  );
}

/** The ledger read step by step, until it is done or the person stops it; what was read stays read. */
export function ReadBack({ done }: { done?: () => void }): VNode {
  const tell = useSayOf(recovery);
  const vault = useVault();
  const [before] = useRead(() => vault.reading());
  const [now, setNow] = useState<ReadingView>();
  const [reading, setReading] = useState(false);
  const [fault, setFault] = useState<Fault | null>(null);
  useEffect(() => {
    if (!reading) return undefined;
    let stopped = false;
    const readOn = async (): Promise<void> => {
      for (let at: ReadingView | null = null; !stopped && at?.done !== true; ) {
        at = await vault.readLedger();
        if (!stopped) setNow(at);
      }
    };
    readOn().then(
      () => stopped || (setReading(false), done?.()),
      (error: unknown) => stopped || (setReading(false), setFault(faultOf(error))),
    );
    return () => void (stopped = true);
  }, [reading]);
  const start = (): void => {
    setFault(null);
    setReading(true);
  };
  return (
    <section class="card" aria-labelledby="reading">
      <h2 id="reading">{tell("reading.title")}</h2>
      <p>{tell("reading.about")}</p>
      <Waited read={before}>{(found) => <Far reading={now ?? found} />}</Waited>
      <FaultTold fault={fault} />
      {reading ? (
        <button type="button" onClick={() => setReading(false)}>
          {tell("reading.stop")}
        </button>
      ) : (
        <button type="button" class="first" onClick={start}>
          {tell("reading.start")}
        </button>
      )}
    </section>
  );
}

function Far({ reading }: { reading: ReadingView | null }): VNode {
  const tell = useSayOf(recovery);
  if (reading === null) return <p>{tell("reading.never")}</p>;
  const { read, size, done, found } = reading;
  return (
    <div role="status">
      {size > 0 && <progress max={size} value={read} aria-label={tell("reading.title")} />}
      <p data-test="read">{tell(done ? "reading.done" : "reading.far", { read, size, found })}</p>
      {done && <p class="quiet">{tell("reading.limits")}</p>}
    </div>
  );
}
