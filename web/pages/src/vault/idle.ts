// After how long a vault that nobody uses is locked. How long is no secret, and stands in the browser beside the language.

const NAME = "zk-vault-idle";
export const IDLE_MINUTES = [5, 15, 60] as const;
const USES = ["pointerdown", "keydown", "scroll"] as const;

export function idleMinutes(): number {
  const kept = Number(localStorage.getItem(NAME));
  return IDLE_MINUTES.find((each) => each === kept) ?? 15;
}

export function keepIdleMinutes(minutes: number): number {
  const kept = IDLE_MINUTES.find((each) => each === minutes) ?? 15;
  localStorage.setItem(NAME, String(kept));
  return kept;
}

/** Call when nobody has touched the page for so long; returns what ends the watching. */
export function whenIdle(act: () => void): () => void {
  let last = Date.now();
  const used = (): void => void (last = Date.now());
  for (const each of USES) addEventListener(each, used, { passive: true });
  // A timer stands still while a phone sleeps: the clock is looked at, also when the page is seen again.
  const look = (): void => {
    if (Date.now() - last >= idleMinutes() * 60_000) act();
  };
  const timer = setInterval(look, 5_000);
  document.addEventListener("visibilitychange", look);
  return () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", look);
    for (const each of USES) removeEventListener(each, used);
  };
}
