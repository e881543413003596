// Whom the person trusts: shown, compared, kept, forgotten.
import type { VNode } from "preact";
import { useState } from "preact/hooks";

import { policyText } from "../ledger/policy.js";
import { type Key, reasonOf, useText } from "../messages/index.js";
import { Told } from "../ui/shell.js";
import { type Trust, forgetTrust, keepPolicy, keepTrust } from "./trust.js";

export function TrustView({ trust, changed }: { trust: Trust; changed: () => void }): VNode {
  const text = useText();
  const [pasted, setPasted] = useState("");
  const [told, setTold] = useState<Key>();
  const [error, setError] = useState<unknown>();

  function act(action: () => void, key: Key): void {
    try {
      action();
    } catch (failed) {
      setTold(undefined);
      setError(failed);
      return;
    }
    setError(undefined);
    setTold(key);
    changed();
  }

  const keepPasted = (event: Event): void => {
    event.preventDefault();
    act(() => keepTrust(pasted), "trust.kept");
  };
  return (
    <section class="card" aria-labelledby="trust">
      <h2 id="trust">{text("trust.title")}</h2>
      <p>{text("trust.about")}</p>
      <Told as={trust.source === "kept" ? "good" : "unsure"}>{text(`trust.source.${trust.source}`)}</Told>
      {trust.damaged && <Told as="bad">{text("trust.damaged")}</Told>}
      <pre class="mono scrolls" tabIndex={0} data-test="policy">
        {policyText(trust.policy)}
      </pre>
      <div class="row">
        {trust.source !== "kept" && (
          <button type="button" class="first" onClick={() => act(() => keepPolicy(trust.policy), "trust.kept")}>
            {text("trust.keep")}
          </button>
        )}
        {(trust.source === "kept" || trust.damaged) && (
          <button type="button" onClick={() => act(forgetTrust, "trust.forgotten")}>
            {text("trust.forget")}
          </button>
        )}
      </div>
      <form onSubmit={keepPasted}>
        <h3>
          <label for="own">{text("trust.own")}</label>
        </h3>
        <textarea
          id="own"
          spellcheck={false}
          autocomplete="off"
          value={pasted}
          onInput={(event) => setPasted(event.currentTarget.value)}
        />
        <button type="submit">{text("trust.keep_own")}</button>
      </form>
      <div aria-live="polite">
        {told && <Told as="good">{text(told)}</Told>}
        {error !== undefined && (
          <Told as="bad">{text("trust.malformed", { reason: reasonOf(error, text) })}</Told>
        )}
      </div>
    </section>
  );
}
