// Whom an identity may be sealed for: what is published with its place on the ledger, and the person's own word on each.
import type { RefObject, VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { Told } from "../../ui/shell.js";
import type { RegulatorView } from "../regulators/model.js";
import { useIn, useSayOf } from "../texts/index.js";
import { regulators } from "../texts/regulators.js";
import { FaultTold, type Read, useActing, useRead, useVault, Waited } from "./parts.js";

export function Regulators(): VNode {
  const tell = useSayOf(regulators);
  const vault = useVault();
  const heading = useRef<HTMLHeadingElement>(null);
  // Read apart from what is published: trust can be ended whatever the service says, or when it says nothing.
  const [own, ownAgain] = useRead(() => vault.trustedRegulators());
  const [listed, listAgain] = useRead(() => vault.regulators());
  const changed = (): void => {
    ownAgain();
    listAgain();
  };
  return (
    <section class="card" aria-labelledby="regulators">
      <h2 id="regulators" tabIndex={-1} ref={heading}>
        {tell("title")}
      </h2>
      <p class="quiet">{tell("about")}</p>
      <Waited read={own}>
        {(trusted) => <Listing trusted={trusted} listed={listed} changed={changed} heading={heading} />}
      </Waited>
    </section>
  );
}

type All = readonly RegulatorView[];

interface ListingProps {
  readonly trusted: All;
  readonly listed: Read<All>;
  readonly changed: () => void;
  readonly heading: RefObject<HTMLElement | null>;
}

function Listing({ trusted, listed, changed, heading }: ListingProps): VNode {
  const tell = useSayOf(regulators);
  const found = listed !== null && "value" in listed ? listed.value : null;
  const fault = listed !== null && "fault" in listed ? listed.fault : null;
  const all = found === null ? trusted : merged(found, trusted);
  // One that is trusted may stand beyond what is read of a long list: nothing is said of it then.
  const away = found !== null && found.length > 0 && found.every(({ published }) => published === null);
  return (
    <>
      <div role="status">{listed === null && <p>{tell("asking")}</p>}</div>
      <FaultTold fault={fault} />
      {fault && <Told as="unsure">{tell("unlisted")}</Told>}
      {found?.length === 0 && all.length === 0 && <p>{tell("none")}</p>}
      {away && <Told as="unsure">{tell("away")}</Told>}
      <ul class="applications">
        {all.map((each) => (
          <One key={each.digest} regulator={each} changed={changed} heading={heading} />
        ))}
      </ul>
    </>
  );
}

/** What was published when it was asked for, and whom the vault trusts by now. */
function merged(found: All, trusted: All): All {
  const isOf = (all: All, { digest }: RegulatorView): boolean => all.some((each) => each.digest === digest);
  const now = found.map((each) => ({ ...each, trusted: isOf(trusted, each) }));
  return [...now.filter((each) => each.published || each.trusted), ...trusted.filter((each) => !isOf(found, each))];
}

interface OneProps {
  readonly regulator: RegulatorView;
  readonly changed: () => void;
  /** Of all of them: it is there also where this one goes. */
  readonly heading: RefObject<HTMLElement | null>;
}

function One({ regulator, changed, heading }: OneProps): VNode {
  const tell = useSayOf(regulators);
  const told = useIn();
  const vault = useVault();
  const title = useRef<HTMLElement>(null);
  const [asking, ask] = useState(false);
  const { busy, fault, act } = useActing();
  const { name, digest, trusted, published } = regulator;
  const id = `regulator-${digest}`;
  // The button that was pressed goes: whoever has no mouse is not to be left at the page's beginning.
  const leave = (): void => {
    ask(false);
    (trusted && published !== true ? heading : title).current?.focus();
  };
  const done = (): void => {
    changed();
    leave();
  };
  return (
    <li>
      <strong id={id} tabIndex={-1} ref={title}>
        {told(name)}
      </strong>{" "}
      <span class="quiet mono">{regulator.regulator}</span>
      <dl class="facts">
        <dt>{tell("key")}</dt>
        <dd id={`${id}-key`} class="mono">
          {digest}
        </dd>
      </dl>
      <p class="state">{tell(!trusted ? "untrusted" : published === false ? "gone" : "trusted")}</p>
      <FaultTold fault={fault} />
      {trusted && (
        <>
          <p class="quiet">{tell("distrust.about")}</p>
          <button
            type="button"
            class="small"
            disabled={busy}
            aria-describedby={id}
            onClick={() => act(() => vault.distrustRegulator(digest).then(done))}
          >
            {tell("distrust")}
          </button>
        </>
      )}
      {!trusted && !asking && (
        <button type="button" class="small" aria-describedby={id} onClick={() => ask(true)}>
          {tell("trust")}
        </button>
      )}
      {!trusted && asking && (
        <Question id={id}>
          <button type="button" disabled={busy} onClick={() => act(() => vault.trustRegulator(digest).then(done))}>
            {tell("yes")}
          </button>
          <button type="button" class="first" disabled={busy} onClick={leave}>
            {tell("no")}
          </button>
        </Question>
      )}
    </li>
  );
}

/** It is named by the name and the key that it asks about, and has the focus when it comes. */
function Question({ id, children }: { id: string; children: VNode[] }): VNode {
  const tell = useSayOf(regulators);
  const group = useRef<HTMLDivElement>(null);
  useEffect(() => group.current?.focus(), []);
  return (
    <div role="group" tabIndex={-1} ref={group} aria-labelledby={`${id} ${id}-key`} aria-describedby={`${id}-ask`}>
      <div id={`${id}-ask`}>
        <Told as="unsure">{tell("ask")}</Told>
      </div>
      <div class="row">{children}</div>
    </div>
  );
}
