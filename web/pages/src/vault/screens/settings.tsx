// What the person sees to about the vault itself: the ledger that it believes, passphrase, backup, lock.
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";

import { Told } from "../../ui/shell.js";
import { IDLE_MINUTES, idleMinutes, keepIdleMinutes } from "../idle.js";
import { useSay } from "../texts/index.js";
import { Trusted } from "./gate.js";
import { FaultTold, later, Passphrase, saveFile, Screen, useActing, useVault } from "./parts.js";
import { Regulators } from "./regulators.js";

const RecoverySettings = later(async () => (await import("./recovery.js")).RecoverySettings);

export function Settings({ lock }: { lock: () => void }): VNode {
  const say = useSay();
  const [minutes, setMinutes] = useState(idleMinutes);
  return (
    <>
      <Screen title={say("vault.view.settings")}>
        <div class="row">
          <button type="button" class="first" onClick={lock}>
            {say("settings.lock")}
          </button>
        </div>
        <p>
          <label for="idle">{say("settings.idle")}</label>
          <select
            id="idle"
            value={String(minutes)}
            onChange={(event) => setMinutes(keepIdleMinutes(Number(event.currentTarget.value)))}
          >
            {IDLE_MINUTES.map((count) => (
              <option key={count} value={String(count)}>
                {say("settings.minutes", { count })}
              </option>
            ))}
          </select>
        </p>
      </Screen>
      <section class="card" aria-labelledby="trust">
        <h2 id="trust">{say("settings.trust")}</h2>
        <p class="quiet">{say("begin.key.about")}</p>
        <Trusted />
      </section>
      <Regulators />
      <Backup />
      <RecoverySettings />
      <Change />
    </>
  );
}

function Backup(): VNode {
  const say = useSay();
  const vault = useVault();
  const { busy, fault, act } = useActing();
  const [made, setMade] = useState(false);
  const [kept, setKept] = useState<boolean>();
  useEffect(() => void navigator.storage?.persisted?.().then(setKept), []);
  const save = (): void =>
    act(async () => {
      saveFile(await vault.backup(), "vault.backup");
      setMade(true);
    });
  return (
    <section class="card" aria-labelledby="backup">
      <h2 id="backup">{say("settings.backup")}</h2>
      <p>{say("settings.backup.about")}</p>
      {kept !== undefined && <p class="quiet">{say(kept ? "settings.kept" : "settings.persist")}</p>}
      <FaultTold fault={fault} />
      <button type="button" disabled={busy} onClick={save}>
        {say("settings.backup.act")}
      </button>
      <div role="status">{made && <Told as="good">{say("settings.backup.done")}</Told>}</div>
    </section>
  );
}

function Change(): VNode {
  const say = useSay();
  const vault = useVault();
  const { busy, fault, act } = useActing();
  const [old, setOld] = useState("");
  const [chosen, setChosen] = useState("");
  const [again, setAgain] = useState("");
  const [changed, setChanged] = useState(false);
  const differs = again !== "" && again !== chosen;
  const submit = (event: Event): void => {
    event.preventDefault();
    if (chosen !== again) return;
    setChanged(false);
    act(async () => {
      await vault.changePassphrase(old, chosen);
      for (const each of [setOld, setChosen, setAgain]) each("");
      setChanged(true);
    });
  };
  return (
    <section class="card" aria-labelledby="change">
      <h2 id="change">{say("settings.passphrase")}</h2>
      <form onSubmit={submit}>
        <Passphrase id="old" label={say("settings.old")} fresh={false} value={old} changed={setOld} />
        <Passphrase
          id="new"
          label={say("settings.new")}
          about={say("begin.passphrase.about")}
          fresh
          value={chosen}
          changed={setChosen}
        />
        <Passphrase id="new-again" label={say("begin.again")} fresh value={again} changed={setAgain} />
        <div aria-live="polite">{differs && <Told as="unsure">{say("begin.differs")}</Told>}</div>
        <FaultTold fault={fault} />
        <button type="submit" disabled={busy || differs}>
          {say("settings.change")}
        </button>
        <div role="status">{changed && <Told as="good">{say("settings.changed")}</Told>}</div>
      </form>
    </section>
  );
}
