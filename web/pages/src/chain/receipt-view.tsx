// A receipt is pasted or chosen, checked in the page, and its proof drawn.
import type { VNode } from "preact";
import { useRef, useState } from "preact/hooks";

import { LedgerError, hex, utf8 } from "../ledger/encoding.js";
import type { CheckedReceipt } from "../ledger/receipt.js";
import { moment, reasonOf, useText } from "../messages/index.js";
import { useSettings } from "../ui/settings.js";
import { Told } from "../ui/shell.js";
import type { Found } from "./head.js";
import { PathDrawing } from "./path.js";
import { type Standing, checkFile, standingOf } from "./receipts.js";

const MAX_OCTETS = 8 << 20;

export function ReceiptView({ found }: { found: Found }): VNode {
  const text = useText();
  const [pasted, setPasted] = useState("");
  const [standing, setStanding] = useState<Standing>();
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const chosen = useRef<HTMLInputElement>(null);
  const turn = useRef(0);
  const head = "head" in found ? found.head : undefined;
  const { policy } = head?.trust ?? (found as Exclude<Found, { head: unknown }>).trust;

  async function check(file: Uint8Array): Promise<void> {
    const mine = ++turn.current;
    setBusy(true);
    setStanding(undefined);
    setError(undefined);
    try {
      const come = await standingOf(checkFile(file, policy), head);
      if (mine === turn.current) setStanding(come);
    } catch (failed) {
      if (mine === turn.current) setError(failed);
    }
    if (mine === turn.current) setBusy(false);
  }

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    const file = chosen.current?.files?.[0];
    if (pasted.trim()) await check(utf8(pasted.replaceAll("\r\n", "\n").trim() + "\n"));
    else if (!file) setError(undefined);
    else if (file.size > MAX_OCTETS) setError(new LedgerError("PROOF_MALFORMED", "too large"));
    else await check(new Uint8Array(await file.arrayBuffer()));
  }

  function clear(): void {
    turn.current++;
    setPasted("");
    setStanding(undefined);
    setError(undefined);
    setBusy(false);
    if (chosen.current) chosen.current.value = "";
  }

  return (
    <>
      <section class="card" aria-labelledby="receipt">
        <h2 id="receipt">{text("receipt.title")}</h2>
        <p class="quiet">{text("receipt.about")}</p>
        <form onSubmit={(event) => void submit(event)}>
          <p>
            <label for="pasted">{text("receipt.paste")}</label>
            <textarea
              id="pasted"
              spellcheck={false}
              autocomplete="off"
              value={pasted}
              onInput={(event) => setPasted(event.currentTarget.value)}
            />
          </p>
          <p>
            <label for="file">{text("receipt.file")}</label>
            <input id="file" type="file" ref={chosen} />
          </p>
          <div class="row">
            <button type="submit" class="first" disabled={busy}>
              {text("receipt.check")}
            </button>
            <button type="button" onClick={clear}>
              {text("receipt.clear")}
            </button>
          </div>
        </form>
      </section>
      <div aria-live="polite">
        {error !== undefined && (
          <Told as="bad">{text("receipt.fails", { reason: reasonOf(error, text) })}</Told>
        )}
        {standing && <Result standing={standing} />}
      </div>
    </>
  );
}

function Result({ standing }: { standing: Standing }): VNode {
  const text = useText();
  const { checked, extended, anchored } = standing;
  const refused = extended instanceof LedgerError;
  const witnesses = anchored?.cosignatures.map((each) => each.witness).join(", ") ?? "";
  return (
    <section class="card" aria-labelledby="result">
      <h2 id="result">{refused ? text("receipt.fails", { reason: reasonOf(extended, text) }) : text("receipt.holds")}</h2>
      <ul class="checks">
        <li>
          <Told as="good">{text("receipt.leaf", { index: checked.proof.index })}</Told>
        </li>
        <li>
          <Told as="good">{text("receipt.path", { count: checked.steps.length })}</Told>
        </li>
        <li>
          <Told as="good">{text("receipt.signed")}</Told>
        </li>
        <li>
          {extended === true && <Told as="good">{text("receipt.extends")}</Told>}
          {refused && <Told as="bad">{text("receipt.extends_not", { reason: reasonOf(extended, text) })}</Told>}
          {extended === undefined && <Told as="unsure">{text("receipt.extends_unknown")}</Told>}
        </li>
        <li>
          {anchored ? (
            <Told as="good">{text("receipt.anchored", { witnesses })}</Told>
          ) : (
            <Told as="unsure">{text("receipt.pending")}</Told>
          )}
        </li>
      </ul>
      <Body checked={checked} />
      <h3>{text("receipt.drawn")}</h3>
      <PathDrawing checked={checked} />
      <Hashes checked={checked} />
    </section>
  );
}

function Body({ checked }: { checked: CheckedReceipt }): VNode | null {
  const text = useText();
  const { language } = useSettings();
  const { body } = checked;
  if (!body) return null;
  return (
    <dl class="facts">
      <dt>{text("receipt.verifier")}</dt>
      <dd>{body.verifier}</dd>
      <dt>{text("receipt.when")}</dt>
      <dd>{moment(Number(body.verifiedMs), language)}</dd>
      <dt>{text("receipt.request")}</dt>
      <dd class="mono">{hex(body.requestDigest)}</dd>
      <dt>{text("receipt.presentation")}</dt>
      <dd class="mono">{hex(body.presentationDigest)}</dd>
    </dl>
  );
}

function Hashes({ checked }: { checked: CheckedReceipt }): VNode {
  const text = useText();
  return (
    <details>
      <summary>{text("receipt.table")}</summary>
      <div class="scrolls" tabIndex={0} role="region" aria-label={text("app.table", { title: text("receipt.table") })}>
        <table>
          <thead>
            <tr>
              <th scope="col">{text("receipt.step")}</th>
              <th scope="col">{text("receipt.sibling")}</th>
              <th scope="col">{text("receipt.side")}</th>
              <th scope="col">{text("receipt.made")}</th>
            </tr>
          </thead>
          <tbody>
            <tr>
              <th scope="row">{text("receipt.leaf_short")}</th>
              <td>–</td>
              <td>–</td>
              <td class="mono">{hex(checked.leaf)}</td>
            </tr>
            {checked.steps.map((each, at) => (
              <tr key={at}>
                <th scope="row">{at + 1}</th>
                <td class="mono">{hex(each.sibling)}</td>
                <td>{text(each.siblingIsLeft ? "receipt.left" : "receipt.right")}</td>
                <td class="mono">{hex(each.made)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
