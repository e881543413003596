// What was read back from the ledger, for the history (recovery/): its code is loaded only where there is something.

import { loaded } from "../fault.js";
import type { UseView } from "../model.js";
import type { Opened } from "../parts.js";

/** The kinds of records of how far the ledger was read, and of what was found there. */
export const READING = "ledger-reading";
export const FOUND = "found-entry";

/** Whether the ledger was ever read for what this vault has done. */
export const isBegun = ({ store }: Pick<Opened, "store">): Promise<boolean> =>
  store.read(async (draft) => (await draft.list(READING)).length > 0);

/** What this vault did by the ledger, and has no record of its own of. */
export async function readBack(opened: Opened): Promise<readonly UseView[]> {
  const records = await opened.store.read((draft) => draft.list(FOUND));
  if (records.length === 0) return [];
  return (await loaded(() => import("../recovery/views.js"))).foundViews(opened);
}
