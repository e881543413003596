// The vault's page: before it is open its gate, then its views. The vault itself is in a worker (client.ts).
import { type VNode, render } from "preact";
import { useEffect, useState } from "preact/hooks";

import { Shell, useView } from "../ui/shell.js";
import "../ui/style.css";
import "./style.css";
import { openedVault } from "./client.js";
import { bundleLink } from "./errands/links.js";
import { whenIdle } from "./idle.js";
import type { AttendedView, Fault, State } from "./model.js";
import { keepPage } from "./offline.js";
import { Flow } from "./screens/flow.js";
import { Begin, Unlock } from "./screens/gate.js";
import { Home } from "./screens/home.js";
import { FaultTold, later, VaultContext } from "./screens/parts.js";
import { Uses } from "./screens/uses.js";
import { faultOf, useSay } from "./texts/index.js";

const VIEWS = ["home", "scan", "inbox", "uses", "standing", "settings", "errands"] as const;
/** Reached from the first view, and not from every one. */
const WITHIN: ReadonlySet<string> = new Set(["errands"]);
/** Loaded where somebody goes there: the first view is to be small, and what reads a camera's picture is large. */
const Scan = later(async () => (await import("./screens/scan.js")).Scan);
const Inbox = later(async () => (await import("./screens/inbox.js")).Inbox);
const Standing = later(async () => (await import("./screens/standing.js")).Standing);
const Settings = later(async () => (await import("./screens/settings.js")).Settings);
const Errands = later(async () => (await import("./screens/errands.js")).Errands);
const vault = openedVault();

/**
 * A link that the page was opened with, `/vault/#zk://...` as it is or with all its signs escaped, as sites write it that put
 * it into an address. It is a secret: the address forgets it at once. `/vault/#errandBundles/...` names an errand, and is none.
 */
function takeLink(): string | null {
  const written = location.hash.slice(1);
  const link = /^zk%3A/i.test(written) ? unescaped(written) : written;
  if (!link.startsWith("zk:") && bundleLink(link) === null) return null;
  history.replaceState(null, "", `${location.pathname}#home`);
  return link;
}

function unescaped(written: string): string {
  try {
    return decodeURIComponent(written);
  } catch {
    return "zk:"; // no link: what is told of it is that, and not that nothing was there
  }
}

/** The changes of the address at which a link was taken out of it: the one that brought it, or an earlier one that it has overtaken. */
const took = new WeakSet<HashChangeEvent>();

/** Whether a change of the address leads where the address is now. A view that is gone to again (`goAgain`) names no address. */
function leads(event: HashChangeEvent): boolean {
  return !took.has(event) && (event.newURL === "" || event.newURL === location.href);
}

function App(): VNode {
  const say = useSay();
  const [state, setState] = useState<State | "failed">();
  const [link, setLink] = useState(takeLink);
  const [idle, setIdle] = useState(false);
  useEffect(() => {
    const came = (event: HashChangeEvent): void => {
      const link = takeLink();
      if (link === null) return;
      took.add(event);
      setLink(link);
    };
    addEventListener("hashchange", came);
    vault.state().then(setState, () => setState("failed"));
    return () => removeEventListener("hashchange", came);
  }, []);
  const opened = (shown = "home"): void => {
    if (link === null) history.replaceState(null, "", `${location.pathname}#${shown}`);
    setState("open");
  };
  const lock = (slept: boolean): void => {
    setIdle(slept);
    setState("locked");
    void vault.lock().catch(() => undefined); // the worker ends either way
  };
  return (
    <VaultContext.Provider value={vault}>
      {state === "open" ? (
        <Open link={link} setLink={setLink} lock={lock} />
      ) : (
        <Shell title={say("vault.title")} footer={say("vault.footer")}>
          {link !== null && state !== undefined && <p class="quiet">{say("vault.link_waits")}</p>}
          {state === undefined && <p role="status">{say("vault.loading")}</p>}
          {state === "failed" && <FaultTold fault={faultOf(undefined)} />}
          {state === "none" && <Begin opened={opened} />}
          {state === "locked" && <Unlock idle={idle} opened={opened} />}
        </Shell>
      )}
    </VaultContext.Provider>
  );
}

interface OpenProps {
  readonly link: string | null;
  readonly setLink: (link: string | null) => void;
  readonly lock: (slept: boolean) => void;
}

function Open({ link, setLink, lock }: OpenProps): VNode {
  const say = useSay();
  const view = useView(VIEWS);
  const [settling, setSettling] = useState<Fault | null>(null);
  const [settled, setSettled] = useState(0);
  const [errand, setErrand] = useState<string>();
  const [attended, setAttended] = useState<readonly AttendedView[]>([]);
  useEffect(() => whenIdle(() => lock(true)), []);
  useEffect(() => {
    const settle = async (): Promise<void> => {
      const fault = await vault.settle().then(() => null, faultOf);
      setSettling(fault);
      setSettled((count) => count + 1);
      // What could not be gone on with holds up no request under a consent, unless nothing can be reached.
      if (fault?.passing === true) return;
      try {
        const found = await vault.attend();
        if (found.length === 0) return;
        setAttended(found);
        setSettled((count) => count + 1);
      } catch (error) {
        setSettling((before) => before ?? faultOf(error));
      }
    };
    // Not beside an open link: what is read for what the vault holds would tell the service, next to the request, what that is.
    if (link !== null) return undefined;
    void settle();
    const online = (): void => void settle();
    addEventListener("online", online);
    return () => removeEventListener("online", online);
  }, [link === null]);
  // Another view, or the browser's back button, leaves what a link led to.
  useEffect(() => {
    const left = (event: HashChangeEvent): void => {
      if (leads(event)) setLink(null);
    };
    if (link === null) return undefined;
    addEventListener("hashchange", left);
    return () => removeEventListener("hashchange", left);
  }, [link]);
  const done = (): void => {
    setSettled((count) => count + 1);
    setLink(null);
    location.hash = "home";
  };
  // What was begun is an errand of the vault's, wherever it was come to from.
  const begun = (id: string): void => {
    setErrand(id);
    setLink(null);
    location.hash = "errands";
  };
  useEffect(() => (view === "errands" ? undefined : setErrand(undefined)), [view]);
  const views = VIEWS.filter((id) => !WITHIN.has(id)).map((id) => ({ id, label: say(`vault.view.${id}`) }));
  return (
    <Shell
      title={say("vault.title")}
      views={views}
      footer={say("vault.footer")}
      {...(link === null ? { view } : {})}
    >
      {link !== null ? (
        <Flow key={link} link={link} done={done} begun={begun} />
      ) : (
        <>
          {view === "home" && <Home settling={settling} settled={settled} attended={attended} />}
          {view === "scan" && <Scan found={setLink} />}
          {view === "inbox" && <Inbox />}
          {view === "uses" && <Uses settled={settled} />}
          {view === "standing" && <Standing settled={settled} />}
          {view === "errands" && <Errands settled={settled} found={setLink} chosen={errand} choose={setErrand} />}
          {view === "settings" && <Settings lock={() => lock(false)} />}
        </>
      )}
    </Shell>
  );
}

void keepPage();
render(<App />, document.getElementById("page")!);
