// All that concerns standing consents, put together: loaded when it is first wanted.

import type { AttendedView, RecoveredView } from "../model.js";
import type { Opened } from "../parts.js";
import type { Sessions } from "../account/sessions.js";
import type { Holdings } from "../showing/holdings.js";
import type { Outgoing } from "../showing/sending.js";
import { Attending } from "./attending.js";
import { consentSeeds } from "./keys.js";
import { ConsentPart } from "./part.js";
import { recoverConsents } from "./recovering.js";
import { settleConsents } from "./settling.js";

export class Consents {
  readonly part: ConsentPart;
  readonly settle = settleConsents;
  readonly #attending: Attending;

  /** `server` is host:port of the service that the page speaks to; `oneLedger` compares the ledger with what was seen of it. */
  constructor(
    private readonly opened: Opened, holdings: Holdings, private readonly server: () => Promise<string>, sessions: Sessions,
    outgoing: Outgoing, private readonly oneLedger: () => Promise<unknown>,
  ) {
    this.part = new ConsentPart(opened, holdings, server, outgoing);
    this.#attending = new Attending(opened, holdings, server, sessions, oneLedger);
  }

  /** Errors as `consentSeeds`. */
  seeds(party: string): AsyncGenerator<Uint8Array> {
    return consentSeeds(this.opened, this.server, party);
  }

  attend(): Promise<readonly AttendedView[]> {
    return this.#attending.attend();
  }

  /** Errors as `recoverConsents`. */
  recover(): Promise<RecoveredView> {
    return recoverConsents(this.opened, this.server, this.oneLedger);
  }
}
