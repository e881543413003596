// The chain's window.
import { type VNode, render } from "preact";

import { useText } from "../messages/index.js";
import { Shell, Told, useView } from "../ui/shell.js";
import "../ui/style.css";
import { AlarmsView } from "./alarms-view.js";
import { useLedger } from "./following.js";
import { LedgerView } from "./ledger-view.js";
import { ReceiptView } from "./receipt-view.js";
import { TrustView } from "./trust-view.js";

const VIEWS = ["ledger", "receipt", "alarms", "trust"] as const;

function Window(): VNode {
  const text = useText();
  const view = useView(VIEWS);
  const { found, online, again } = useLedger();
  const trust = found && ("head" in found ? found.head.trust : found.trust);
  const views = VIEWS.map((id) => ({ id, label: text(`chain.view.${id}`) }));
  return (
    <Shell title={text("chain.title")} views={views} view={view}>
      <div role="status">
        {!online && <Told as="unsure">{text("live.off")}</Told>}
        {online && !found && <p>{text("app.loading")}</p>}
        {online && found && <p class="quiet">{text("live.on")}</p>}
      </div>
      {found && view === "ledger" && <LedgerView found={found} />}
      {found && view === "receipt" && <ReceiptView found={found} />}
      {view === "alarms" && <AlarmsView />}
      {trust && view === "trust" && <TrustView trust={trust} changed={again} />}
    </Shell>
  );
}

render(<Window />, document.getElementById("page")!);
