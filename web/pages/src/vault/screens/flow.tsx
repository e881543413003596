// What a link leads to: a request that is answered or declined, terms that are granted or not, an offer that is taken.
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";

import { Told } from "../../ui/shell.js";
import type { CredentialView, OfferView, Opened, RequestView, UseView } from "../model.js";
import { useIn, useSay } from "../texts/index.js";
import { Ask, WayShown } from "./ask.js";
import { FaultTold, later, Screen, useActing, useVault } from "./parts.js";
import { Register } from "./register.js";
import { UseShown } from "./uses.js";

const Terms = later(async () => (await import("./standing.js")).Terms);
const Bundle = later(async () => (await import("./errands.js")).Bundle);

interface Props {
  readonly link: string;
  /** Away from the link; what it led to is over. */
  readonly done: () => void;
  /** On to an errand that was begun by it. */
  readonly begun: (errand: string) => void;
}

export function Flow({ link, done, begun }: Props): VNode {
  const say = useSay();
  const vault = useVault();
  const [opened, setOpened] = useState<Opened>();
  const [use, setUse] = useState<UseView | "declined">();
  const { busy, fault, act } = useActing();
  const open = (code?: string): void => act(async () => setOpened(await vault.open(link, code)));
  useEffect(() => open(), [link]);
  if (use !== undefined) return <Ended use={use} done={done} />;
  if (opened === undefined) {
    return (
      <Screen title={say("scan.title")}>
        <div role="status">{busy && <p>{say("scan.opening")}</p>}</div>
        <FaultTold fault={fault} />
        {!busy && (
          <div class="row">
            {fault?.passing && (
              <button type="button" class="first" onClick={() => open()}>
                {say("vault.again")}
              </button>
            )}
            <Away done={done} />
          </div>
        )}
      </Screen>
    );
  }
  if (opened.kind === "pairing") return <Pairing go={open} busy={busy} fault={fault} done={done} />;
  if (opened.kind === "request") {
    return <Ask key={opened.id} request={opened as RequestView} answered={setUse} done={done} />;
  }
  if (opened.kind === "offer") return <Offer offer={opened} done={done} />;
  if (opened.kind === "account") return <Register account={opened} done={done} />;
  if (opened.kind === "bundle") return <Bundle bundle={opened} done={done} begun={begun} />;
  return <Terms key={opened.id} consent={opened} declined={() => setUse("declined")} done={done} />;
}

function Away({ done }: { done: () => void }): VNode {
  const say = useSay();
  return (
    <button type="button" onClick={done}>
      {say("vault.back")}
    </button>
  );
}

interface PairingProps {
  readonly go: (code: string) => void;
  readonly busy: boolean;
  readonly fault: ReturnType<typeof useActing>["fault"];
  readonly done: () => void;
}

function Pairing({ go, busy, fault, done }: PairingProps): VNode {
  const say = useSay();
  const [code, setCode] = useState("");
  const submit = (event: Event): void => {
    event.preventDefault();
    go(code.replaceAll(/\s/g, ""));
  };
  return (
    <Screen title={say("pairing.title")}>
      <p>{say("pairing.about")}</p>
      <form onSubmit={submit}>
        <p>
          <label for="pairing">{say("pairing.code")}</label>
          <input
            id="pairing"
            class="code"
            required
            inputMode="numeric"
            autocomplete="off"
            value={code}
            onInput={(event) => setCode(event.currentTarget.value)}
          />
        </p>
        <FaultTold fault={fault} />
        <div class="row">
          <button type="submit" class="first" disabled={busy}>
            {say("pairing.go")}
          </button>
          <Away done={done} />
        </div>
      </form>
    </Screen>
  );
}

export function Offer({ offer: first, done }: { offer: OfferView; done: () => void }): VNode {
  const say = useSay();
  const told = useIn();
  const vault = useVault();
  const [offer, setOffer] = useState(first);
  const [claimed, setClaimed] = useState<CredentialView>();
  const { busy, fault, act } = useActing();
  const lacks = offer.shows !== null && offer.shows.missing.length > 0;
  const title = told(offer.title);
  if (claimed !== undefined) {
    return (
      <Screen title={told(claimed.title)}>
        <div role="status">
          <Told as="good">{say("offer.claimed")}</Told>
        </div>
        <button type="button" class="first" onClick={done}>
          {say("vault.view.home")}
        </button>
      </Screen>
    );
  }
  return (
    <Screen title={say("offer.title")}>
      <p>{say("offer.about", { department: told(offer.departmentName), title })}</p>
      {offer.shows && (
        <>
          <p>{say("offer.shows")}</p>
          <WayShown way={offer.shows} />
        </>
      )}
      <FaultTold fault={fault} />
      <div role="status">{busy && <p>{say("offer.claiming")}</p>}</div>
      <div class="row">
        {!lacks && (
          <button
            type="button"
            class="first"
            disabled={busy}
            onClick={() => act(async () => setClaimed(await vault.claim(offer.id)))}
          >
            {say("offer.claim")}
          </button>
        )}
        {fault?.reason === "REQUIRED_MISMATCH" && (
          <button type="button" disabled={busy} onClick={() => act(async () => setOffer(await vault.offerAgain(offer.id)))}>
            {say("offer.other")}
          </button>
        )}
        <button type="button" disabled={busy} onClick={done}>
          {say("offer.not_now")}
        </button>
      </div>
    </Screen>
  );
}

function Ended({ use, done }: { use: UseView | "declined"; done: () => void }): VNode {
  const say = useSay();
  if (use !== "declined") return <UseShown use={use} back={done} />;
  return (
    <Screen title={say("use.declined")}>
      <div role="status">
        <Told as="good">{say("ask.declined")}</Told>
      </div>
      <button type="button" class="first" onClick={done}>
        {say("vault.view.home")}
      </button>
    </Screen>
  );
}
