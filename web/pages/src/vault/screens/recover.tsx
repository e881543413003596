// A vault made anew from its words. What it did is read from the ledger afterwards, in the history.
import type { VNode } from "preact";
import { useState } from "preact/hooks";

import { useSay, useSayOf } from "../texts/index.js";
import { recovery } from "../texts/recovery.js";
import { KeyChoice, NewPassphrase } from "./gate.js";
import { FaultTold, Screen, useActing, useVault } from "./parts.js";

interface Props {
  readonly opened: (view: string) => void;
  readonly back: () => void;
}

export function Recover({ opened, back }: Props): VNode {
  const say = useSay();
  const tell = useSayOf(recovery);
  const vault = useVault();
  const [words, setWords] = useState("");
  const [key, setKey] = useState("");
  const [passphrase, setPassphrase] = useState("");
  const { busy, fault, act } = useActing();
  const submit = (event: Event): void => {
    event.preventDefault();
    if (passphrase === "") return;
    act(async () => {
      await vault.recover(words, passphrase, key);
      setWords("");
      await navigator.storage?.persist?.();
      opened("uses");
    });
  };
  return (
    <Screen title={tell("recover.title")}>
      <p>{tell("recover.about")}</p>
      <form onSubmit={submit}>
        <p>
          <label for="words">{tell("recover.words")}</label>
          <textarea
            id="words"
            required
            rows={4}
            autocomplete="off"
            autocapitalize="none"
            autoCorrect="off"
            spellcheck={false}
            aria-describedby="words-about"
            value={words}
            onInput={(event) => setWords(event.currentTarget.value)}
          />
          <span id="words-about" class="quiet">
            {tell("recover.words.about")}
          </span>
        </p>
        <KeyChoice chosen={setKey} />
        <NewPassphrase chosen={setPassphrase} />
        <FaultTold fault={fault} />
        <div role="status">{busy && <p>{say("begin.creating")}</p>}</div>
        <div class="row">
          <button type="submit" class="first" disabled={busy || key === ""}>
            {tell("recover.act")}
          </button>
          <button type="button" disabled={busy} onClick={back}>
            {say("vault.back")}
          </button>
        </div>
      </form>
    </Screen>
  );
}
