// What stands before an open vault: making one, opening one, restoring one from its file.
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";

import { Told } from "../../ui/shell.js";
import { useSay } from "../texts/index.js";
import { FaultTold, later, Passphrase, Screen, useActing, useRead, useVault, Waited } from "./parts.js";

const MAX_FILE = 64 << 20;

interface Props {
  readonly opened: (view?: string) => void;
}

/** Loaded when somebody has words: what reads them is large. */
const Recover = later(async () => (await import("./recover.js")).Recover);

export function Begin({ opened }: Props): VNode {
  const say = useSay();
  const [hasWords, setHasWords] = useState(false);
  if (hasWords) return <Recover opened={opened} back={() => setHasWords(false)} />;
  return (
    <>
      <Create opened={opened} />
      <Restore opened={opened} />
      <section class="card" aria-labelledby="recover">
        <h2 id="recover">{say("begin.recover")}</h2>
        <p class="quiet">{say("begin.recover.about")}</p>
        <button type="button" onClick={() => setHasWords(true)}>
          {say("begin.recover.act")}
        </button>
      </section>
    </>
  );
}

function Create({ opened }: Props): VNode {
  const say = useSay();
  const vault = useVault();
  const [key, setKey] = useState("");
  const [passphrase, setPassphrase] = useState("");
  const { busy, fault, act } = useActing();
  const submit = (event: Event): void => {
    event.preventDefault();
    if (passphrase === "") return;
    act(async () => {
      await vault.create(passphrase, key);
      await navigator.storage?.persist?.();
      opened();
    });
  };
  return (
    <Screen title={say("begin.title")}>
      <p>{say("begin.about")}</p>
      <form onSubmit={submit}>
        <KeyChoice chosen={setKey} />
        <NewPassphrase chosen={setPassphrase} />
        <FaultTold fault={fault} />
        <button type="submit" class="first" disabled={busy || key === ""}>
          {say("begin.create")}
        </button>
        <div role="status">{busy && <p>{say("begin.creating")}</p>}</div>
      </form>
    </Screen>
  );
}

/** A new passphrase, typed twice; "" until both are the same. */
export function NewPassphrase({ chosen }: { chosen: (passphrase: string) => void }): VNode {
  const say = useSay();
  const [passphrase, setPassphrase] = useState("");
  const [again, setAgain] = useState("");
  const differs = again !== "" && again !== passphrase;
  useEffect(() => chosen(again === passphrase ? passphrase : ""), [passphrase, again]);
  return (
    <>
      <Passphrase
        id="passphrase"
        label={say("begin.passphrase")}
        about={say("begin.passphrase.about")}
        fresh
        value={passphrase}
        changed={setPassphrase}
      />
      <Passphrase id="again" label={say("begin.again")} fresh value={again} changed={setAgain} />
      <div aria-live="polite">{differs && <Told as="unsure">{say("begin.differs")}</Told>}</div>
    </>
  );
}

/** The ledger's key: the server's own, to be compared, or another that is pasted; "" while there is none. */
export function KeyChoice({ chosen }: { chosen: (key: string) => void }): VNode {
  const say = useSay();
  const vault = useVault();
  const [key] = useRead(() => vault.logKey());
  const [own, setOwn] = useState<string>();
  const [compared, setCompared] = useState(false);
  const shown = key !== null && "value" in key ? key.value : null;
  const wanted = own ?? shown?.key ?? "";
  useEffect(() => chosen(wanted), [wanted]);
  return (
    <>
      <h3>{say("begin.key")}</h3>
      <p class="quiet">{say("begin.key.about")}</p>
      {key !== null && "fault" in key && <Told as="unsure">{say("begin.key.away")}</Told>}
      {shown && own === undefined && (
        <>
          <dl class="facts">
            <dt>{say("begin.key.log")}</dt>
            <dd>{shown.log}</dd>
            <dt>{say("begin.key.fingerprint")}</dt>
            <dd class="mono" data-test="fingerprint" data-varies>
              {shown.fingerprint}
            </dd>
          </dl>
          <p>
            <button type="button" class="small" onClick={() => setOwn("")}>
              {say("begin.key.own")}
            </button>
          </p>
          <p>
            <input
              id="compared"
              type="checkbox"
              required
              checked={compared}
              onChange={(event) => setCompared(event.currentTarget.checked)}
            />{" "}
            <label for="compared" class="inline">
              {say("begin.key.compared")}
            </label>
          </p>
        </>
      )}
      {(own !== undefined || (key !== null && "fault" in key)) && (
        <p>
          <label for="key">{say("begin.key.whole")}</label>
          <input
            id="key"
            required
            spellcheck={false}
            autocomplete="off"
            value={own ?? ""}
            onInput={(event) => setOwn(event.currentTarget.value)}
          />
        </p>
      )}
    </>
  );
}

function Restore({ opened }: Props): VNode {
  const say = useSay();
  const vault = useVault();
  const [file, setFile] = useState<File>();
  const [passphrase, setPassphrase] = useState("");
  const { busy, fault, act } = useActing();
  const submit = (event: Event): void => {
    event.preventDefault();
    act(async () => {
      if (file === undefined || file.size > MAX_FILE) throw { reason: "BACKUP_MALFORMED", detail: "", passing: false };
      await vault.restore(new Uint8Array(await file.arrayBuffer()), passphrase);
      await navigator.storage?.persist?.();
      opened();
    });
  };
  return (
    <section class="card" aria-labelledby="restore">
      <h2 id="restore">{say("begin.restore")}</h2>
      <p class="quiet">{say("begin.restore.about")}</p>
      <form onSubmit={submit}>
        <p>
          <label for="file">{say("begin.restore.file")}</label>
          <input id="file" type="file" required onChange={(event) => setFile(event.currentTarget.files?.[0])} />
        </p>
        <Passphrase
          id="restore-passphrase"
          label={say("begin.passphrase")}
          fresh={false}
          value={passphrase}
          changed={setPassphrase}
        />
        <FaultTold fault={fault} />
        <button type="submit" disabled={busy}>
          {say("begin.restore.act")}
        </button>
      </form>
    </section>
  );
}

export function Unlock({ opened, idle }: Props & { readonly idle: boolean }): VNode {
  const say = useSay();
  const vault = useVault();
  const [passphrase, setPassphrase] = useState("");
  const { busy, fault, act } = useActing();
  const submit = (event: Event): void => {
    event.preventDefault();
    act(async () => {
      await vault.unlock(passphrase);
      opened();
    });
  };
  return (
    <Screen title={say("unlock.title")}>
      {idle && <Told as="unsure">{say("unlock.idle")}</Told>}
      <form onSubmit={submit}>
        <Passphrase
          id="passphrase"
          label={say("begin.passphrase")}
          fresh={false}
          value={passphrase}
          changed={setPassphrase}
        />
        <FaultTold fault={fault} />
        <button type="submit" class="first" disabled={busy}>
          {say("unlock.act")}
        </button>
        <div role="status">{busy && <p>{say("unlock.busy")}</p>}</div>
      </form>
    </Screen>
  );
}

/** The key that the vault believes, to be compared. */
export function Trusted(): VNode {
  const say = useSay();
  const vault = useVault();
  const [trust] = useRead(() => vault.trust());
  return (
    <Waited read={trust}>
      {(found) => (
        <dl class="facts">
          <dt>{say("begin.key.log")}</dt>
          <dd>{found.log}</dd>
          <dt>{say("begin.key.fingerprint")}</dt>
          <dd class="mono" data-varies>
            {found.fingerprint}
          </dd>
          <dt>{say("begin.key.whole")}</dt>
          <dd class="mono">{found.key}</dd>
        </dl>
      )}
    </Waited>
  );
}
