// All that a vault does with requests and with what it showed, as `Vault` of model.ts has it.

import type { Link } from "../../scan/links.js";
import { loaded } from "../fault.js";
import { witnessPolicy } from "../history/witnesses.js";
import type { Choice, PairingView, RequestView, UseView, Vault } from "../model.js";
import type { Opened } from "../parts.js";
import type { Holdings } from "./holdings.js";
import { apart, resumeShowing, unsent } from "./resume.js";
import type { Outgoing } from "./sending.js";
import type { Showing } from "./showing.js";

const history = () => loaded(() => import("../history/whole.js"));

type Done = Pick<Vault, "choose" | "agree" | "decline" | "uses" | "use" | "receipt">;

export class ShowingPart implements Done {
  /** Loaded when the first request is opened; what is open by it is known to no other. */
  #showing: Promise<Showing> | null = null;

  /** `server` and `oneLedger` are those of `Showing`; `outgoing` is of whoever has accounts and consents. */
  constructor(
    private readonly opened: Opened, private readonly holdings: Holdings, private readonly server: () => Promise<string>,
    private readonly oneLedger: () => Promise<unknown>, private readonly outgoing?: Outgoing,
  ) {}

  #requests(): Promise<Showing> {
    const make = async (): Promise<Showing> => {
      const { Showing } = await loaded(() => import("./showing.js"));
      return new Showing(this.opened, this.holdings, this.server, this.oneLedger);
    };
    return (this.#showing ??= make().catch((error: unknown) => {
      this.#showing = null;
      throw error;
    }));
  }

  /** What a link of an exchange leads to; as `Showing.open`. */
  async open(link: Link, pairingCode?: string): Promise<RequestView | PairingView> {
    return (await this.#requests()).open(link, pairingCode);
  }

  async choose(id: string, choice: Choice): Promise<RequestView> {
    return (await this.#requests()).choose(id, choice);
  }

  async agree(id: string, choice: Choice): Promise<UseView> {
    const showing = await this.#requests();
    return this.use((await showing.agree(id, choice)).id);
  }

  async decline(id: string): Promise<void> {
    return (await this.#requests()).decline(id);
  }

  async uses(): Promise<readonly UseView[]> {
    return (await history()).usesOf(this.opened, this.#policy);
  }

  async use(id: string): Promise<UseView> {
    return (await history()).useOf(this.opened, id, this.#policy);
  }

  async receipt(id: string): Promise<Uint8Array> {
    return (await history()).receiptOf(this.opened, id);
  }

  /** How many uses and events are still to be sent. */
  async unsent(): Promise<number> {
    return unsent(this.opened, await this.server());
  }

  /** Send what was not sent, then anchor what can be; errors as `resumeShowing` and `anchor`. */
  async settle(): Promise<void> {
    const failures: unknown[] = [];
    await apart(failures, async () => resumeShowing(this.opened, await this.server(), this.outgoing));
    const policy = await this.#policy();
    if (policy !== null) await (await history()).anchor(this.opened, policy);
    if (failures.length > 0) throw failures[0];
  }

  readonly #policy = () => witnessPolicy(this.opened);
}
