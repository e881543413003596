// What the rest of the vault knows of errands before their code is loaded.

import { readServer } from "../../scan/links.js";
import type { Event } from "../showing/events.js";

/** The kind of an errand's record. */
export const ERRAND = "errand";
const SERVICE = "/zkproto.v1.ErrandService/";
/** Where this page is opened with what a code says. */
const PAGE = "/vault/#";
const BUNDLE = "errandBundles/";
const CODE = /^zk:\/\/begin\?server=([^&=]+)&bundle=([a-z][a-z0-9-]{0,62})%40([1-9][0-9]{0,5})$/;
const MAX_LENGTH = 1000;

/** Whether an event is sent to the service of errands. */
export const isOfErrand = ({ call }: Event): boolean => call.method.startsWith(SERVICE);

/** An errand's bundle by its name; the code on a counter's screen names the service too. */
export interface BundleLink {
  /** "errandBundles/newborn@1". */
  readonly bundle: string;
  /** host:port; null where only the bundle is named. */
  readonly server: string | null;
}

/**
 * An errand's bundle that was scanned, pasted, or that the page was opened with: "errandBundles/newborn@1", by itself or in the
 * address of this very page, or a counter's code (disclosure/errand/link.py). No secret: a notice may have it on a wall. null for
 * whatever else was written; LinkError.
 */
export function bundleLink(written: string): BundleLink | null {
  const address = `${location.origin}${PAGE}`;
  const name = written.startsWith(address) ? written.slice(address.length) : written;
  if (name.startsWith(BUNDLE)) return { bundle: name, server: null };
  const [, server, id, version] = (written.length <= MAX_LENGTH ? CODE.exec(written) : null) ?? [];
  return server === undefined ? null : { bundle: `${BUNDLE}${id}@${version}`, server: readServer(server) };
}
