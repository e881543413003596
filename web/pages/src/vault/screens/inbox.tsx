// What waits for the vault's account, and what was applied for and how far that is.
import type { VNode } from "preact";
import { useState } from "preact/hooks";

import { Told } from "../../ui/shell.js";
import type { ApplicationView, InboxView, OfferView } from "../model.js";
import { useFault, useIn, useSay } from "../texts/index.js";
import { Applications } from "./applications.js";
import { Offer } from "./flow.js";
import { later, Screen, useRead, useVault, Waited } from "./parts.js";

/** Loaded for whoever has an account. */
const Agents = later(async () => (await import("./agents.js")).Agents);

interface Found {
  readonly inbox: InboxView;
  readonly applications: readonly ApplicationView[];
}

export function Inbox(): VNode {
  const say = useSay();
  const vault = useVault();
  const [chosen, choose] = useState<OfferView>();
  const [found, again] = useRead(async (): Promise<Found> => {
    const inbox = await vault.inbox();
    return { inbox, applications: inbox.account ? await vault.applications() : [] };
  });
  if (chosen !== undefined) {
    const done = (): void => {
      choose(undefined);
      again();
    };
    return <Offer offer={chosen} done={done} />;
  }
  return (
    <Screen title={say("vault.view.inbox")}>
      <Waited read={found}>
        {({ inbox, applications }) =>
          inbox.account ? (
            <>
              <p class="quiet">{say("inbox.about")}</p>
              <Waiting inbox={inbox} choose={choose} />
              <Applications applications={applications} changed={again} />
              <Agents />
            </>
          ) : (
            <>
              <p>{say("inbox.no_account")}</p>
              <a class="button first" href="#scan">
                {say("home.scan")}
              </a>
            </>
          )
        }
      </Waited>
    </Screen>
  );
}

function Waiting({ inbox, choose }: { inbox: InboxView; choose: (offer: OfferView) => void }): VNode {
  const say = useSay();
  const told = useIn();
  const fault = useFault();
  return (
    <>
      <h3>{say("inbox.offers")}</h3>
      {inbox.offers.length === 0 && <p>{say("inbox.none")}</p>}
      <ul class="choices">
        {inbox.offers.map((each) => (
          <li key={each.id}>
            <button type="button" onClick={() => choose(each)}>
              <strong>{told(each.title)}</strong>
              <br />
              <span class="state">{told(each.departmentName)}</span>
            </button>
          </li>
        ))}
      </ul>
      {inbox.faults.map((each, at) => (
        <Told key={at} as="unsure">
          {say("inbox.unread")} {fault(each)}
        </Told>
      ))}
    </>
  );
}
