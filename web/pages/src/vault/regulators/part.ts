// Regulators as they are published, and which of them the holder trusts with an identity (zk/commands/vault/trust.py).

import { equal, hex } from "../../../../prover/src/bbs/octets.js";
import { VaultError } from "../fault.js";
import { distrust, trust, trustedIn } from "../holding/regulators.js";
import type { Opened } from "../parts.js";
import { publication } from "../reading/clients.js";
import { isAway } from "../reading/ground.js";
import { other } from "../reading/messages.js";
import type { PublishedReader } from "../reading/reader.js";
import type { Regulator } from "../telling/facts.js";
import { plain } from "../telling/saying.js";
import type { RegulatorCalls, RegulatorView } from "./model.js";

const PAGE = 100;
/** So many are read, on so many pages: a service that has always one more holds nobody up, and fills nobody's vault. */
const MOST_PAGES = 20;
const MOST = 256;
const DIGEST = /^[0-9a-f]{64}$/;

export class RegulatorsPart implements RegulatorCalls {
  /** `grows` compares the ledger with what was seen of it: what has vouched for a regulator has to be of the one ledger. */
  constructor(
    private readonly opened: Opened, private readonly reader: PublishedReader, private readonly grows: () => Promise<unknown>,
  ) {}

  trustedRegulators = async (): Promise<readonly RegulatorView[]> =>
    (await this.opened.store.read(trustedIn)).map((each) => viewOf(each, true, null));

  async regulators(): Promise<readonly RegulatorView[]> {
    const trusted = await this.opened.store.read(trustedIn);
    const published = await this.#published();
    const isTrusted = ({ digest }: Regulator): boolean => trusted.some((each) => equal(each.digest, digest));
    if (published === null) return trusted.map((each) => viewOf(each, true, null));
    const { found, isWhole } = published;
    const others = trusted.filter(({ digest }) => !found.some((each) => equal(each.digest, digest)));
    return [
      ...found.map((each) => viewOf(each, isTrusted(each), true)),
      ...others.map((each) => viewOf(each, true, isWhole ? false : null)),
    ];
  }

  /** VaultError REGULATOR_NOT_FOUND, REGULATOR_KEY_CHANGED; LedgerError if it does not stand on the ledger. */
  async trustRegulator(digest: string): Promise<void> {
    const found = regulatorFrom(await this.reader.regulator(digestOf(digest)));
    await this.grows();
    const now = Math.floor(this.opened.now() * 1000);
    await this.opened.store.change((draft) => trust(draft, found, now));
  }

  async distrustRegulator(digest: string): Promise<void> {
    await this.opened.store.change((draft) => distrust(draft, digestOf(digest)));
  }

  /** All that the service lists, each with the proof that its key stands on the ledger; null if it was not reached. */
  async #published(): Promise<Listed | null> {
    const found: Regulator[] = [];
    let pageToken = "";
    try {
      for (let turn = 0; turn < MOST_PAGES && found.length < MOST; turn += 1) {
        const page = await publication.listRegulators({ pageSize: PAGE, pageToken });
        if (page.regulators.length > PAGE) throw other();
        for (const { name, digest } of page.regulators.slice(0, MOST - found.length)) {
          const each = await this.reader.regulator(digest);
          if (each.name !== name || found.some((one) => equal(one.digest, digest))) throw other();
          found.push(regulatorFrom(each));
        }
        pageToken = page.nextPageToken;
        if (pageToken === "") break;
      }
      await this.grows();
    } catch (error) {
      if (isAway(error)) return null;
      throw error;
    }
    return { found, isWhole: pageToken === "" && found.length < MOST };
  }
}

/** What the service lists, and whether that is all of it. */
interface Listed {
  readonly found: readonly Regulator[];
  readonly isWhole: boolean;
}

type Read = Awaited<ReturnType<PublishedReader["regulator"]>>;

const regulatorFrom = ({ name, displayName, key }: Read): Regulator => ({ name, displayName, digest: key.digest });

function viewOf({ name, displayName, digest }: Regulator, trusted: boolean, published: boolean | null): RegulatorView {
  return { regulator: name, name: plain(displayName), digest: hex(digest), trusted, published };
}

function digestOf(written: string): Uint8Array {
  if (!DIGEST.test(written)) throw new VaultError("REGULATOR_NOT_FOUND", "a regulator is named by the digest of its key");
  return Uint8Array.from(written.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
