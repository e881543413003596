// Everything that was asked of this vault, and how it ended; each receipt is checked anew.
import type { VNode } from "preact";
import { useState } from "preact/hooks";

import { moment } from "../../messages/index.js";
import { useSettings } from "../../ui/settings.js";
import { Told } from "../../ui/shell.js";
import type { UseState, UseView } from "../model.js";
import { useIn, useSay } from "../texts/index.js";
import { Lines } from "./lines.js";
import { FaultTold, later, saveFile, Screen, useActing, useRead, useVault, Waited } from "./parts.js";

/** Loaded where a reading of the ledger was begun. */
const ReadBack = later(async () => (await import("./recovery.js")).ReadBack);

const RECEIPT = { none: "unsure", pending: "unsure", anchored: "good", wrong: "bad", found: "good" } as const;

export function Uses({ settled }: { settled: number }): VNode {
  const say = useSay();
  const told = useIn();
  const vault = useVault();
  const { language } = useSettings();
  const [uses, again] = useRead(() => vault.uses(), [settled]);
  const [reading] = useRead(() => vault.reading());
  const [chosen, choose] = useState<UseView>();
  const isUnread = reading !== null && "value" in reading && reading.value?.done === false;
  if (chosen !== undefined) return <UseShown use={chosen} back={() => choose(undefined)} />;
  return (
    <>
      <Screen title={say("vault.view.uses")}>
        <p class="quiet">{say("uses.about")}</p>
        <Waited read={uses}>
          {(all) =>
            all.length === 0 ? (
              <p>{say("uses.none")}</p>
            ) : (
              <ul class="choices">
                {all.map((each) => (
                  <li key={each.id}>
                    <button type="button" onClick={() => choose(each)}>
                      <strong>{told(each.verifierName)}</strong> {told(each.purpose)}
                      <br />
                      <span class="state">
                        {say(`use.${each.state}`)}, {moment(each.time, language)}
                        {each.standing && `, ${say("use.by_standing")}`}
                      </span>
                    </button>
                  </li>
                ))}
              </ul>
            )
          }
        </Waited>
      </Screen>
      {isUnread && <ReadBack done={again} />}
    </>
  );
}

/** What ended as it was wanted. */
const GOOD: ReadonlySet<UseState> = new Set<UseState>([
  "done", "declined", "recorded", "claimed", "found", "consent-granted", "consent-declined", "consent-withdrawn",
]);

export function UseShown({ use, back }: { use: UseView; back: () => void }): VNode {
  const say = useSay();
  const told = useIn();
  const vault = useVault();
  const { language } = useSettings();
  const { busy, fault, act } = useActing();
  const good = GOOD.has(use.state);
  return (
    <Screen title={say(`use.${use.state}`)}>
      <div role="status">
        <Told as={good ? "good" : "unsure"}>{say(`use.${use.state}.about`)}</Told>
      </div>
      {use.standing && <p>{say("use.standing")}</p>}
      <FaultTold fault={use.fault} />
      <dl class="facts">
        <dt>{say("use.who")}</dt>
        <dd>
          {told(use.verifierName)} <span class="quiet mono">{use.verifier}</span>
        </dd>
        <dt>{say("use.why")}</dt>
        <dd>{told(use.purpose)}</dd>
        <dt>{say("use.when")}</dt>
        <dd>{moment(use.time, language)}</dd>
        {use.entry !== null && (
          <>
            <dt>{say("use.entry")}</dt>
            <dd class="number" data-test="entry">
              {use.entry}
            </dd>
          </>
        )}
      </dl>
      {use.lines.length > 0 && <h3>{say("use.what")}</h3>}
      <Lines lines={use.lines} />
      {use.receipt !== "none" && (
        <Told as={RECEIPT[use.receipt]}>
          {say(`receipt.${use.receipt}`)}
        </Told>
      )}
      <FaultTold fault={fault} />
      <div class="row">
        {use.receipt !== "none" && use.receipt !== "found" && (
          <>
            <button
              type="button"
              disabled={busy}
              onClick={() => act(async () => saveFile(await vault.receipt(use.id), `receipt-${use.entry ?? "0"}.txt`))}
            >
              {say("use.save")}
            </button>
            <a href="/chain/#receipt">{say("use.window")}</a>
          </>
        )}
        <button type="button" class="first" onClick={back}>
          {say("vault.back")}
        </button>
      </div>
    </Screen>
  );
}
