// Errands: those of this vault, those that can be begun, and what a bundle consists of before it is begun.
import type { VNode } from "preact";
import { moment } from "../../messages/index.js";
import { useSettings } from "../../ui/settings.js";
import type { BundleView, CounterView, ErrandView } from "../errands/model.js";
import { errands } from "../texts/errands.js";
import { useIn, useSay, useSayOf } from "../texts/index.js";
import { Board } from "./board.js";
import { FaultTold, Screen, useActing, useRead, useVault, Waited } from "./parts.js";

interface Props {
  readonly settled: number;
  /** Opens a link: of a bundle that is to be begun, of an offer that came of an errand. */
  readonly found: (link: string) => void;
  /** The one that is looked at. */
  readonly chosen: string | undefined;
  readonly choose: (id: string | undefined) => void;
}

export function Errands({ settled, found, chosen, choose }: Props): VNode {
  const say = useSay();
  const tell = useSayOf(errands);
  const vault = useVault();
  const [own, again] = useRead(() => vault.errands(), [settled]);
  const [there] = useRead(() => vault.bundles(), [settled]);
  if (chosen !== undefined) {
    const back = (): void => {
      choose(undefined);
      again();
    };
    return <Board key={chosen} id={chosen} back={back} found={found} />;
  }
  return (
    <Screen title={say("vault.view.errands")}>
      <p class="quiet">{tell("errands.about")}</p>
      <h3>{tell("errands.own")}</h3>
      <Waited read={own}>{(all) => <Own all={all} choose={choose} />}</Waited>
      <h3>{tell("errands.there")}</h3>
      <Waited read={there}>{(all) => <There bundles={all} found={found} />}</Waited>
    </Screen>
  );
}

function Own({ all, choose }: { all: readonly ErrandView[]; choose: (id: string) => void }): VNode {
  const tell = useSayOf(errands);
  const told = useIn();
  const { language } = useSettings();
  if (all.length === 0) return <p>{tell("errands.none")}</p>;
  return (
    <ul class="choices">
      {all.map((each) => (
        <li key={each.id}>
          <button type="button" onClick={() => choose(each.id)}>
            <strong>{told(each.title)}</strong>
            <br />
            <span class="state">
              {told(each.stands)}, {tell("errands.begun", { time: moment(each.begun, language) })}
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function There({ bundles, found }: { bundles: readonly BundleView[]; found: (link: string) => void }): VNode {
  const tell = useSayOf(errands);
  const told = useIn();
  if (bundles.length === 0) return <p>{tell("errands.nothing")}</p>;
  return (
    <ul class="choices">
      {bundles.map((each) => (
        <li key={each.bundle}>
          <button type="button" onClick={() => found(each.bundle)}>
            <strong>{told(each.title)}</strong>
            <br />
            <span class="state">{told(each.about)}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

interface BundleProps {
  readonly bundle: BundleView;
  readonly done: () => void;
  /** On to an errand of it: the link is over with that. */
  readonly begun: (errand: string) => void;
}

/** A bundle as the ledger has it: beginning it is the person's to say. */
export function Bundle({ bundle, done, begun }: BundleProps): VNode {
  const tell = useSayOf(errands);
  const told = useIn();
  const vault = useVault();
  const [own] = useRead(() => vault.errands());
  const { busy, fault, act } = useActing();
  const open = own !== null && "value" in own ? own.value.filter((each) => each.bundle === bundle.bundle && !each.over) : [];
  return (
    <Screen title={told(bundle.title)}>
      <p>{told(bundle.about)}</p>
      {open.length > 0 && (
        <>
          <h3>{tell("bundle.open")}</h3>
          <Own all={open} choose={begun} />
        </>
      )}
      <h3>{tell("bundle.counters")}</h3>
      <ol>
        {bundle.counters.map((each) => (
          <li key={each.part}>
            <CounterShown counter={each} />
          </li>
        ))}
      </ol>
      <p class="quiet">{tell("bundle.nothing_yet")}</p>
      <FaultTold fault={fault} />
      <div role="status">{busy && <p>{tell("bundle.beginning")}</p>}</div>
      <div class="row">
        <button
          type="button"
          class="first"
          disabled={busy}
          onClick={() => act(async () => begun((await vault.beginErrand(bundle.bundle)).id))}
        >
          {tell("bundle.begin")}
        </button>
        <button type="button" disabled={busy} onClick={done}>
          {tell("bundle.not_now")}
        </button>
      </div>
    </Screen>
  );
}

function CounterShown({ counter }: { counter: CounterView }): VNode {
  const tell = useSayOf(errands);
  const told = useIn();
  const between = useSettings().language === "zh" ? "、" : ", ";
  const { name, verifier, fields, after, days } = counter;
  return (
    <>
      <strong>{told(name)}</strong> <span class="quiet mono">{verifier}</span>
      {fields.length > 0 && <p>{tell("bundle.wants", { fields: fields.map((each) => told(each.name)).join(between) })}</p>}
      {after.length > 0 && <p>{tell("bundle.after", { counters: after.map(told).join(between) })}</p>}
      {days > 0 && <p>{tell("bundle.days", { days })}</p>}
    </>
  );
}
