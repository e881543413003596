// The page without a network: a service worker keeps the vault's own files (../../offline.mjs), and nothing else.
import { trusted } from "../ui/trusted.js";

/** Have the page there without a network from now on. Where the browser will not, it needs one each time. */
export async function keepPage(): Promise<void> {
  const workers = navigator.serviceWorker as ServiceWorkerContainer | undefined;
  await workers?.register(trusted("/vault/sw.js"), { scope: "/vault/" }).catch(() => undefined);
}
