// Whom an identity may be sealed for: what is published with its place on the ledger, and the person's own word on each.
import type { VNode } from "preact";
import { useState } from "preact/hooks";

import { Told } from "../../ui/shell.js";
import type { RegulatorView } from "../regulators/model.js";
import { useIn, useSay } from "../texts/index.js";
import { FaultTold, useActing, useRead, useVault, Waited } from "./parts.js";

export function Regulators(): VNode {
  const say = useSay();
  const vault = useVault();
  const [found, again] = useRead(() => vault.regulators());
  return (
    <section class="card" aria-labelledby="regulators">
      <h2 id="regulators">{say("settings.regulators")}</h2>
      <p class="quiet">{say("regulators.about")}</p>
      <Waited read={found}>
        {(all) => (
          <>
            {all.length === 0 && <p>{say("regulators.none")}</p>}
            {all.some(({ published }) => published === null) && <Told as="unsure">{say("regulators.away")}</Told>}
            <ul class="applications">
              {all.map((each) => (
                <One key={each.digest} regulator={each} changed={again} />
              ))}
            </ul>
          </>
        )}
      </Waited>
    </section>
  );
}

function One({ regulator, changed }: { regulator: RegulatorView; changed: () => void }): VNode {
  const say = useSay();
  const told = useIn();
  const vault = useVault();
  const [asking, ask] = useState(false);
  const { busy, fault, act } = useActing();
  const { name, digest, trusted, published } = regulator;
  const id = `regulator-${digest}`;
  const done = (): void => {
    ask(false);
    changed();
  };
  const stands = !trusted ? "regulators.untrusted" : published === false ? "regulators.gone" : "regulators.trusted";
  return (
    <li>
      <strong id={id}>{told(name)}</strong> <span class="quiet mono">{regulator.regulator}</span>
      <dl class="facts">
        <dt>{say("regulators.key")}</dt>
        <dd class="mono">{digest}</dd>
      </dl>
      <p class="state">{say(stands)}</p>
      <FaultTold fault={fault} />
      {trusted && (
        <>
          <p class="quiet">{say("regulators.distrust.about")}</p>
          <button
            type="button"
            class="small"
            disabled={busy}
            aria-describedby={id}
            onClick={() => act(() => vault.distrustRegulator(digest).then(done))}
          >
            {say("regulators.distrust")}
          </button>
        </>
      )}
      {!trusted && !asking && (
        <button type="button" class="small" aria-describedby={id} onClick={() => ask(true)}>
          {say("regulators.trust")}
        </button>
      )}
      {!trusted && asking && (
        <div role="alert">
          <Told as="unsure">{say("regulators.ask")}</Told>
          <div class="row">
            <button type="button" disabled={busy} onClick={() => act(() => vault.trustRegulator(digest).then(done))}>
              {say("regulators.yes")}
            </button>
            <button type="button" class="first" disabled={busy} onClick={() => ask(false)}>
              {say("regulators.no")}
            </button>
          </div>
        </div>
      )}
    </li>
  );
}
