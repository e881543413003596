// The ledger: newest checkpoint, who has cosigned, and the blocks.
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";

import { hex } from "../ledger/encoding.js";
import { verifierText } from "../ledger/keys.js";
import { mldsaIsLoaded } from "../ledger/mldsa.js";
import { demandsWitnesses } from "../ledger/policy.js";
import { moment, reasonOf, useText } from "../messages/index.js";
import { useSettings } from "../ui/settings.js";
import { Told } from "../ui/shell.js";
import { type Chain, EMPTY, type Shown, lowest, older, upTo } from "./blocks.js";
import type { Found, Head } from "./head.js";

export function LedgerView({ found }: { found: Found }): VNode {
  const text = useText();
  if (!("head" in found)) {
    return (
      <section class="card">
        <h2>{text("checkpoint.title")}</h2>
        <Told as="bad">{text("checkpoint.invalid", { reason: reasonOf(found.error, text) })}</Told>
      </section>
    );
  }
  return (
    <>
      <Newest head={found.head} />
      <Witnesses head={found.head} />
      <Blocks head={found.head} />
    </>
  );
}

function Newest({ head }: { head: Head }): VNode {
  const text = useText();
  const { checkpoint, log } = head.opened;
  const bad = head.growth === "forked" || head.growth === "shrunk";
  return (
    <section class="card" aria-labelledby="checkpoint">
      <h2 id="checkpoint">{text("checkpoint.title")}</h2>
      <p class="quiet">{text("checkpoint.about")}</p>
      <Told as="good">{text("checkpoint.signed", { key: `${log.name}+${hex(log.keyId)}` })}</Told>
      {head.trust.source === "kept" ? (
        <Told as="good">{text("checkpoint.pinned")}</Told>
      ) : (
        <Told as="unsure">
          {text("checkpoint.unpinned")} <a href="#trust">{text("chain.view.trust")}</a>
        </Told>
      )}
      <Told as={bad ? "bad" : head.growth === "opened" ? "unsure" : "good"}>{text(`checkpoint.${head.growth}`, { size: head.before })}</Told>
      <dl class="facts">
        <dt>{text("checkpoint.origin")}</dt>
        <dd>{checkpoint.origin}</dd>
        <dt>{text("checkpoint.size")}</dt>
        <dd data-test="size">{String(checkpoint.size)}</dd>
        <dt>{text("checkpoint.root")}</dt>
        <dd class="mono">{hex(checkpoint.root)}</dd>
      </dl>
    </section>
  );
}

function Witnesses({ head }: { head: Head }): VNode {
  const text = useText();
  const { policy } = head.trust;
  if (!demandsWitnesses(policy)) {
    return (
      <section class="card" aria-labelledby="witnesses">
        <h2 id="witnesses">{text("witness.title")}</h2>
        <p>{text("witness.none")}</p>
      </section>
    );
  }
  const all = String(head.opened.checkpoint.size);
  return (
    <section class="card" aria-labelledby="witnesses">
      <h2 id="witnesses">{text("witness.title")}</h2>
      <p class="quiet">{text("witness.about")}</p>
      {head.anchored ? (
        <Told as="good">{text("witness.quorum", { size: head.anchored.checkpoint.size, all })}</Told>
      ) : (
        <Told as="unsure">{text("witness.missing")}</Told>
      )}
      <div class="scrolls" tabIndex={0} role="region" aria-label={text("app.table", { title: text("witness.title") })}>
        <table>
          <thead>
            <tr>
              <th scope="col">{text("witness.name")}</th>
              <th scope="col">{text("witness.state")}</th>
              <th scope="col">{text("witness.time")}</th>
            </tr>
          </thead>
          <tbody>
            {policy.witnesses.map((each) => (
              <WitnessRow key={verifierText(each.key)} head={head} name={each.name} type={each.key.type} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function WitnessRow({ head, name, type }: { head: Head; name: string; type: number }): VNode {
  const text = useText();
  const { language } = useSettings();
  const cosigned = head.anchored?.cosignatures.find((each) => each.witness === name);
  const fault = head.witnessing?.faults.find((each) => each.witness === name);
  const said = fault && fault.kind >= 1 && fault.kind <= 6 ? text(`witness.fault.${fault.kind as 1}`) : "";
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>
        {text(cosigned ? "witness.yes" : type === 6 && !mldsaIsLoaded() ? "witness.unread" : "witness.no")}
        {said && <span class="quiet"> ({text("witness.said", { fault: said })})</span>}
      </td>
      <td class="number">{cosigned && cosigned.time > 0n ? moment(Number(cosigned.time) * 1000, language) : "–"}</td>
    </tr>
  );
}

function Blocks({ head }: { head: Head }): VNode {
  const text = useText();
  const [chain, setChain] = useState<Chain>(EMPTY);
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const { checkpoint } = head.opened;
  useEffect(() => {
    const ended = new AbortController();
    setBusy(true);
    void take(upTo(checkpoint, chain, ended.signal), ended.signal);
    return () => ended.abort();
  }, [checkpoint.size, hex(checkpoint.root)]);

  async function take(coming: Promise<Chain>, signal?: AbortSignal): Promise<void> {
    try {
      const come = await coming;
      if (signal?.aborted) return;
      setChain(come);
      setError(undefined);
    } catch (failed) {
      if (!signal?.aborted) setError(failed);
    }
    setBusy(false);
  }

  const more = (): void => {
    setBusy(true);
    void take(older(chain, AbortSignal.timeout(60_000)));
  };
  return (
    <section class="card" aria-labelledby="blocks" aria-busy={busy}>
      <h2 id="blocks">{text("blocks.title")}</h2>
      <p class="quiet">{text("blocks.about")}</p>
      {error !== undefined && <Told as="bad">{text("blocks.broken", { reason: reasonOf(error, text) })}</Told>}
      {chain.blocks.length > 0 ? <BlockTable chain={chain} /> : !busy && <p>{text("blocks.none")}</p>}
      {lowest(chain) > 0n && (
        <button type="button" onClick={more} disabled={busy}>
          {text("blocks.older")}
        </button>
      )}
    </section>
  );
}

function BlockTable({ chain }: { chain: Chain }): VNode {
  const text = useText();
  return (
    <>
      <Told as="good">{text("blocks.checked", { count: chain.blocks.length })}</Told>
      <div class="scrolls" tabIndex={0} role="region" aria-label={text("app.table", { title: text("blocks.title") })}>
        <table>
          <thead>
            <tr>
              <th scope="col">{text("blocks.height")}</th>
              <th scope="col">{text("blocks.time")}</th>
              <th scope="col">{text("blocks.entries")}</th>
              <th scope="col">{text("blocks.what")}</th>
            </tr>
          </thead>
          <tbody>
            {chain.blocks.map((each) => (
              <BlockRow key={String(each.block.height)} shown={each} />
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function BlockRow({ shown }: { shown: Shown }): VNode {
  const { language } = useSettings();
  const { block } = shown;
  return (
    <tr>
      <th scope="row" class="number">
        {String(block.height)}
      </th>
      <td class="number">{moment(Number(block.timeMs), language)}</td>
      <td class="number">{String(block.count)}</td>
      <td>{useContents(shown)}</td>
    </tr>
  );
}

function useContents(shown: Shown): string {
  const text = useText();
  const receipts = shown.entries.filter((each) => each.kind === "receipt").length;
  const records = shown.entries.flatMap((each) => (each.kind === "record" ? [each.about] : []));
  const first = receipts === 0 ? [] : [text(receipts === 1 ? "blocks.receipt" : "blocks.receipts", { count: receipts })];
  return [...first, ...records.map((about) => text("blocks.record", { about }))].join("; ");
}
