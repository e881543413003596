// What the rest of the vault knows of errands before their code is loaded.

import type { Event } from "../showing/events.js";

/** The kind of an errand's record. */
export const ERRAND = "errand";
const SERVICE = "/zkproto.v1.ErrandService/";
/** Where this page is opened with what a code says. */
const PAGE = "/vault/#";
const BUNDLE = "errandBundles/";

/** Whether an event is sent to the service of errands. */
export const isOfErrand = ({ call }: Event): boolean => call.method.startsWith(SERVICE);

/**
 * The name of an errand's bundle that was scanned, pasted, or that the page was opened with: "errandBundles/newborn@1", by itself
 * or in the address of this very page. No secret: a notice may have it on a wall. null for whatever else was written.
 */
export function bundleLink(written: string): string | null {
  const address = `${location.origin}${PAGE}`;
  const name = written.startsWith(address) ? written.slice(address.length) : written;
  return name.startsWith(BUNDLE) ? name : null;
}
