// The resource centre: whoever is signed in sees what the service tells a regulator.
import { type VNode, render } from "preact";
import { useEffect, useState } from "preact/hooks";

import { useText } from "../messages/index.js";
import { EdgeError, isSignedOut, signOut } from "../ui/edge.js";
import { Shell, Told, useView } from "../ui/shell.js";
import { Away, SignIn } from "../ui/sign-in.js";
import "../ui/style.css";
import { type Named, PART, read } from "./books.js";
import { DepartmentsView, ItemsView, PoliciesView, PurposesView, VerifiersView } from "./catalogue-views.js";
import { IssuanceView, RevocationsView, StatisticsView } from "./counts-views.js";
import { SignedOut } from "./listed.js";
import { ApplicationsView, PushesCard } from "./progress-views.js";
import { useTexts } from "./texts/index.js";
import "./style.css";

const VIEWS = [
  "departments",
  "items",
  "purposes",
  "verifiers",
  "policies",
  "applications",
  "issuance",
  "revocations",
  "statistics",
] as const;
type Step = "looking" | "away" | "out" | "ended" | "in";

function Centre(): VNode {
  const general = useText();
  const { text } = useTexts();
  const [step, go] = useState<Step>("looking");
  const look = (): void => {
    // Of a service that is away the views tell; without a centre there is no such address.
    read("purposes", {}).then(
      () => go("in"),
      (error: unknown) => go(isSignedOut(error) ? "out" : knows(error) ? "in" : "away"),
    );
  };
  useEffect(look, []);
  const view = useView(VIEWS);
  const views = step === "in" ? VIEWS.map((id) => ({ id, label: text(`view.${id}`) })) : [];
  return (
    <Shell title={text("title")} views={views} view={view} footer={text("footer")}>
      {step === "looking" && <p role="status">{general("app.loading")}</p>}
      {step === "away" && <Away away={text("away")} again={look} />}
      {step === "ended" && <Told as="unsure">{text("ended")}</Told>}
      {(step === "out" || step === "ended") && (
        <SignIn
          part={PART}
          about={text("sign_in.about")}
          label={text("code")}
          wrong={text("code_wrong")}
          away={text("away")}
          done={look}
        />
      )}
      {step === "in" && (
        <SignedOut.Provider value={() => go("ended")}>
          <Views view={view} out={() => go("out")} />
        </SignedOut.Provider>
      )}
    </Shell>
  );
}

/** Whether a centre is there and has let the person in, whatever the service said. */
function knows(error: unknown): boolean {
  return error instanceof EdgeError && error.reason !== "" && ![401, 403, 404].includes(error.status);
}

function Views({ view, out }: { view: (typeof VIEWS)[number]; out: () => void }): VNode {
  const { text } = useTexts();
  const [department, ofDepartment] = useState<Named>();
  const [verifier, ofVerifier] = useState<Named>();
  const show = (next: (typeof VIEWS)[number]): void => void (location.hash = next);
  return (
    <>
      {view === "departments" && (
        <DepartmentsView
          items={(of) => {
            ofDepartment(of);
            show("items");
          }}
        />
      )}
      {view === "items" && <ItemsView of={department} all={() => ofDepartment(undefined)} />}
      {view === "purposes" && <PurposesView />}
      {view === "verifiers" && (
        <VerifiersView
          policies={(of) => {
            ofVerifier(of);
            show("policies");
          }}
        />
      )}
      {view === "policies" && <PoliciesView of={verifier} all={() => ofVerifier(undefined)} />}
      {view === "applications" && <ApplicationsView />}
      {view === "issuance" && (
        <>
          <IssuanceView />
          <PushesCard />
        </>
      )}
      {view === "revocations" && <RevocationsView />}
      {view === "statistics" && <StatisticsView />}
      <p class="unprinted">
        <button type="button" class="small" onClick={() => void signOut(PART).finally(out)}>
          {text("sign_out")}
        </button>
      </p>
    </>
  );
}

render(<Centre />, document.getElementById("page")!);
