// What the vault remembers of the service that its page speaks to: its name, by which links are compared, and when the vault
// was last settled with it. Without a network the name of last time counts, so that what is kept can be looked at.

import { decode, encode } from "../../../prover/src/disclosure/canonical.js";
import { list, orNull, small, text } from "../../../prover/src/disclosure/reading.js";
import { faultOf, VaultError } from "./fault.js";
import { pageServer } from "./showing/server.js";
import { StoreError } from "./store/errors.js";
import type { Draft, SealedStore } from "./store/store.js";

const PLACE = { kind: "service", name: "" } as const;
const LABEL = "zk-disclosure/web-service/v1";

export interface About {
  /** host:port. */
  readonly server: string;
  /** Milliseconds; null before. */
  readonly settled: number | null;
}

export class Service {
  #told: string | null = null;

  readonly #page = pageServer();

  constructor(private readonly store: SealedStore) {}

  /** host:port as the page's server says it, once a visit. VaultError UNAVAILABLE where nobody ever said it. */
  readonly server = async (): Promise<string> => {
    if (this.#told !== null) return this.#told;
    const said = await asked(this.#page);
    if (said === null) {
      const before = await this.about();
      if (before === null) throw new VaultError("UNAVAILABLE", "the service was not reached", true);
      return before.server;
    }
    this.#told = said;
    await this.store.change(async (draft) => {
      const before = await aboutIn(draft);
      if (before?.server !== said) draft.put(PLACE, octetsOf({ server: said, settled: null }));
    });
    return said;
  };

  about(): Promise<About | null> {
    return this.store.read(aboutIn);
  }

  /** Write down that everything was settled at a moment. */
  async settled(at: number): Promise<void> {
    const server = await this.server();
    await this.store.change(async (draft) => draft.put(PLACE, octetsOf({ server, settled: at })));
  }
}

/** What the server says; null if it was not reached. */
async function asked(page: () => Promise<string>): Promise<string | null> {
  try {
    return await page();
  } catch (error) {
    if (faultOf(error).passing) return null;
    throw error;
  }
}

const octetsOf = ({ server, settled }: About): Uint8Array => encode(LABEL, server, settled);

async function aboutIn(draft: Pick<Draft, "get">): Promise<About | null> {
  const value = await draft.get(PLACE);
  if (value === null) return null;
  const damaged = () => new StoreError("VAULT_DAMAGED", "what is kept of the service is none");
  try {
    const [server, settled] = list(decode(LABEL, value), damaged, 2);
    return { server: text(server, damaged), settled: orNull(settled, damaged, small) };
  } catch {
    throw damaged();
  }
}
