// A department's code: it binds this vault to whoever the code was made for.
import type { VNode } from "preact";
import { useState } from "preact/hooks";

import { Told } from "../../ui/shell.js";
import type { AccountView, SubjectKind } from "../model.js";
import { useIn, useSay } from "../texts/index.js";
import { FaultTold, Screen, useActing, useVault } from "./parts.js";

const KINDS = ["person", "company"] as const;

export function Register({ account, done }: { account: AccountView; done: () => void }): VNode {
  const say = useSay();
  const told = useIn();
  const vault = useVault();
  const [kind, setKind] = useState<SubjectKind>("person");
  const [number, setNumber] = useState("");
  const [bound, setBound] = useState(false);
  const { busy, fault, act } = useActing();
  const department = told(account.departmentName);
  const bind = (event: Event): void => {
    event.preventDefault();
    act(() => vault.register(account.id, kind, number).then(() => setBound(true)));
  };
  if (bound) {
    return (
      <Screen title={say("account.title", { department })}>
        <div role="status">
          <Told as="good">{say("account.bound")}</Told>
        </div>
        <button type="button" class="first" onClick={done}>
          {say("vault.view.home")}
        </button>
      </Screen>
    );
  }
  return (
    <Screen title={say("account.title", { department })}>
      <p>{say("account.about", { department })}</p>
      <form onSubmit={bind}>
        <fieldset>
          <legend>{say("account.kind")}</legend>
          {KINDS.map((each) => (
            <label key={each} class="choice">
              <input type="radio" name="kind" checked={kind === each} onChange={() => setKind(each)} />{" "}
              {say(`account.${each}`)}
            </label>
          ))}
        </fieldset>
        <p>
          <label for="number">{say(kind === "person" ? "account.number" : "account.number.company")}</label>
          <input
            id="number"
            required
            autocomplete="off"
            aria-describedby="number-about"
            value={number}
            onInput={(event) => setNumber(event.currentTarget.value)}
          />
          <span id="number-about" class="quiet">
            {say("account.number.about")}
          </span>
        </p>
        <FaultTold fault={fault} />
        <div role="status">{busy && <p>{say("account.binding")}</p>}</div>
        <div class="row">
          <button type="submit" class="first" disabled={busy}>
            {say("account.bind")}
          </button>
          <button type="button" disabled={busy} onClick={done}>
            {say("account.not_now")}
          </button>
        </div>
      </form>
    </Screen>
  );
}
