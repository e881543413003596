// Signing in to a part of the edge with its code, and what is said where it cannot be reached.
import type { VNode } from "preact";
import { useState } from "preact/hooks";

import { useText } from "../messages/index.js";
import { EdgeError, signIn } from "./edge.js";
import { Told } from "./shell.js";

export function Away({ away, again }: { away: string; again: () => void }): VNode {
  const text = useText();
  return (
    <section class="card">
      <Told as="unsure">{away}</Told>
      <button type="button" onClick={again}>
        {text("app.try_again")}
      </button>
    </section>
  );
}

interface Props {
  readonly part: string;
  readonly about: string;
  /** What the code is called. */
  readonly label: string;
  readonly wrong: string;
  readonly away: string;
  readonly done: () => void;
}

export function SignIn({ part, about, label, wrong, away, done }: Props): VNode {
  const text = useText();
  const [code, setCode] = useState("");
  const [refused, setRefused] = useState<number>();
  const [busy, setBusy] = useState(false);
  const submit = (event: Event): void => {
    event.preventDefault();
    setBusy(true);
    signIn(part, code.trim()).then(done, (error: unknown) => {
      setBusy(false);
      setRefused(error instanceof EdgeError ? error.status : 0);
    });
  };
  return (
    <section class="card">
      <h2>{text("counter.sign_in")}</h2>
      <p class="quiet">{about}</p>
      <form onSubmit={submit}>
        <p>
          <label for="code">{label}</label>
          <input
            id="code"
            type="password"
            autocomplete="off"
            required
            value={code}
            onInput={(event) => setCode(event.currentTarget.value)}
          />
        </p>
        <button type="submit" class="first" disabled={busy}>
          {text("counter.enter")}
        </button>
      </form>
      <div aria-live="assertive">
        {refused === 403 && <Told as="bad">{wrong}</Told>}
        {refused === 429 && <Told as="bad">{text("counter.too_many")}</Told>}
        {refused !== undefined && refused !== 403 && refused !== 429 && <Told as="unsure">{away}</Told>}
      </div>
    </section>
  );
}
