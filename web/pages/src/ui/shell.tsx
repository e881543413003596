// The frame of every page: title, settings, views, and a region that tells a screen reader what has changed.
import type { ComponentChildren, VNode } from "preact";
import { useEffect, useState } from "preact/hooks";

import { useText } from "../messages/index.js";
import { choose, useDark, useSettings } from "./settings.js";

export interface View {
  readonly id: string;
  readonly label: string;
}

interface Props {
  readonly title: string;
  readonly views?: readonly View[];
  readonly view?: string;
  /** What stands at the end instead of what the page itself has checked. */
  readonly footer?: string;
  readonly children: ComponentChildren;
}

export function Shell({ title, views = [], view, footer, children }: Props): VNode {
  const text = useText();
  useEffect(() => {
    document.title = `${title} · ${text("app.name")}`;
  }, [title]);
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        {text("app.skip")}
      </a>
      <header class="top">
        <h1>{title}</h1>
        <Choices />
      </header>
      {views.length > 0 && (
        <nav class="views" aria-label={text("app.views")}>
          <ul>
            {views.map((each) => (
              <li key={each.id}>
                <a href={`#${each.id}`} aria-current={each.id === view ? "page" : undefined} onClick={(event) => goAgain(event, each.id)}>
                  {each.label}
                </a>
              </li>
            ))}
          </ul>
        </nav>
      )}
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      <footer class="end">
        <p>{footer ?? text("app.footer")}</p>
        <p class="unprinted">
          <a href="/">{text("app.home")}</a>
        </p>
      </footer>
    </>
  );
}

function Choices(): VNode {
  const text = useText();
  const { language, large } = useSettings();
  const dark = useDark();
  const other = language === "zh" ? "en" : "zh";
  return (
    <div class="settings" role="group" aria-label={text("app.settings")}>
      <button type="button" class="small" lang={other} onClick={() => choose({ language: other })}>
        {text("app.language")}
      </button>
      <button type="button" class="small" onClick={() => choose({ theme: dark ? "light" : "dark" })}>
        {text(dark ? "app.theme.light" : "app.theme.dark")}
      </button>
      <button type="button" class="small" aria-pressed={large} onClick={() => choose({ large: !large })}>
        {text("app.large")}
      </button>
    </div>
  );
}

function skip(event: Event): void {
  // The address's fragment is the view's.
  event.preventDefault();
  document.getElementById("main")?.focus();
}

/** To a view that the address names already, since something else stands in its place: the browser tells of no change. */
function goAgain(event: MouseEvent, id: string): void {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return; // it is opened elsewhere
  if (location.hash === `#${id}`) dispatchEvent(new HashChangeEvent("hashchange"));
}

/** The view that the address names, or the first; the browser's back button goes to the one before. */
export function useView<Id extends string>(ids: readonly [Id, ...Id[]]): Id {
  const named = (): Id => ids.find((each) => `#${each}` === location.hash) ?? ids[0];
  const [view, show] = useState(named);
  useEffect(() => {
    const changed = (): void => {
      show(named());
      document.getElementById("main")?.focus({ preventScroll: true });
    };
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return view;
}

/** Something that is told: what holds, what does not, or what is not known. */
export function Told({ as, children }: { as: "good" | "bad" | "unsure"; children: ComponentChildren }): VNode {
  return (
    <p class={`told ${as}`}>
      <span aria-hidden="true">{{ good: "✓ ", bad: "✗ ", unsure: "? " }[as]}</span>
      {children}
    </p>
  );
}
