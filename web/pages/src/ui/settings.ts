// What a person has chosen for all pages: language, light or dark, size of type. Kept in this browser alone.
import { useEffect, useState } from "preact/hooks";

export type Language = "zh" | "en";
export type Theme = "system" | "light" | "dark";

export interface Settings {
  readonly language: Language;
  readonly theme: Theme;
  readonly large: boolean;
}

const KEY = "zk.settings";
const DARK = matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();
let current = read();
show();

/** Read what is kept under a name; nothing where the browser keeps nothing. */
export function kept(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

/** Keep a text under a name, or forget it; where the browser keeps nothing it is forgotten with the page. */
export function keep(name: string, text: string | null): void {
  try {
    if (text === null) localStorage.removeItem(name);
    else localStorage.setItem(name, text);
  } catch {
    // A private window: the page works without.
  }
}

function read(): Settings {
  const language: Language = navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
  try {
    const found = JSON.parse(kept(KEY) ?? "{}") as Partial<Record<keyof Settings, unknown>>;
    return {
      language: found.language === "zh" || found.language === "en" ? found.language : language,
      theme: found.theme === "light" || found.theme === "dark" ? found.theme : "system",
      large: found.large === true,
    };
  } catch {
    return { language, theme: "system", large: false };
  }
}

function show(): void {
  const root = document.documentElement;
  root.lang = current.language === "zh" ? "zh-Hans" : "en";
  root.toggleAttribute("data-theme", current.theme !== "system");
  if (current.theme !== "system") root.setAttribute("data-theme", current.theme);
  root.toggleAttribute("data-type", current.large);
  if (current.large) root.setAttribute("data-type", "large");
}

export function choose(changed: Partial<Settings>): void {
  current = { ...current, ...changed };
  keep(KEY, JSON.stringify(current));
  show();
  for (const each of listeners) each();
}

/** The settings as they are now; the component is drawn again when they change. */
export function useSettings(): Settings {
  const [, redraw] = useState(0);
  useEffect(() => {
    const changed = (): void => redraw((count) => count + 1);
    listeners.add(changed);
    return () => void listeners.delete(changed);
  }, []);
  return current;
}

/** Whether the page is dark now: as the person has chosen, or else as the system is, also when that changes. */
export function useDark(): boolean {
  const { theme } = useSettings();
  const [system, follow] = useState(DARK.matches);
  useEffect(() => {
    const changed = (): void => follow(DARK.matches);
    // It may have changed between the drawing and now.
    changed();
    DARK.addEventListener("change", changed);
    return () => DARK.removeEventListener("change", changed);
  }, []);
  return theme === "system" ? system : theme === "dark";
}
