// Bundles as they are published (prover/client/errand_messages.py): one counts only with the proof that its record stands on
// the ledger, so that nobody is shown one of his own. Which there are is the service's word.

import { createClient } from "@connectrpc/connect";

import { DisclosureError, MalformedError } from "../../../../prover/src/disclosure/errors.js";
import { octets } from "../../../../prover/src/disclosure/reading.js";
import { type ErrandBundle as ErrandBundleMessage, ErrandService } from "../../../gen/zkproto/v1/errand_pb.js";
import { transport } from "../../service.js";
import { checkLogged, type Ground } from "../reading/ground.js";
import type { Sort } from "../reading/kept.js";
import { other } from "../reading/messages.js";
import { type BundleName, ErrandBundle } from "./bundle.js";
import { bundleOf } from "./view.js";

export const errands = createClient(ErrandService, transport);
const PAGE = 100;
/** So many are read, on so many pages: a service that has always one more holds nobody up. */
const MOST_PAGES = 20;
const MOST = 256;

const refuse = () => new MalformedError("MALFORMED", "the items are no bundle");
const BUNDLE: Sort<ErrandBundle> = {
  word: "errand-bundle",
  most: 64,
  toItems: ({ canonical }) => [canonical],
  fromItems: ([canonical]) => ErrandBundle.fromBytes(octets(canonical, refuse)),
};

/** A bundle, read once. MalformedError; LedgerError as `checkLogged`; ConnectError. */
export function bundleAt(ground: Ground, name: BundleName): Promise<ErrandBundle> {
  return ground.kept.fixed(BUNDLE, name.text, async () => {
    const message = await errands.getErrandBundle({ name: name.text });
    const found = bundleOf(message);
    if (found.name.text !== name.text) throw other();
    checkLogged(ground, found.entry(), message.proof);
    return found;
  });
}

/** The bundles that the service lists, without proofs; what is none hides no other. MalformedError (a page); ConnectError. */
export async function bundlesListed(): Promise<readonly ErrandBundle[]> {
  const found: ErrandBundle[] = [];
  let pageToken = "";
  for (let turn = 0; turn < MOST_PAGES && found.length < MOST; turn += 1) {
    const page = await errands.listErrandBundles({ pageSize: PAGE, pageToken });
    if (page.errandBundles.length > PAGE) throw other();
    found.push(...page.errandBundles.flatMap(wellFormed).slice(0, MOST - found.length));
    pageToken = page.nextPageToken;
    if (pageToken === "") break;
  }
  return found;
}

function wellFormed(message: ErrandBundleMessage): ErrandBundle[] {
  try {
    return [bundleOf(message)];
  } catch (error) {
    if (error instanceof DisclosureError) return [];
    throw error;
  }
}
