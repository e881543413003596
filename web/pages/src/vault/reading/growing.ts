// That the log only grows: the newest checkpoint that the vault saw is kept sealed, and each other one has to be the
// beginning of a newer one, or have it as its own. A log that was rewritten for one vault shows itself to that vault.
import { decode, encode } from "../../../../prover/src/disclosure/canonical.js";
import { checkExtends } from "../../chain/extends.js";
import type { Verifier } from "../../ledger/keys.js";
import type { Checkpoint } from "../../ledger/note.js";
import { ofLog, open } from "../../ledger/policy.js";
import type { Draft, SealedStore } from "../store/store.js";
import { ledger } from "./clients.js";
import { add, checkpointOf, damaged, nameOf, type Owed, owedIn, putOwed } from "./owed.js";

const KIND = "ledger-seen";
const LABEL = "zk-disclosure/web-ledger-seen/v1";

/** Notes a checkpoint that vouched for something, to be compared. ConnectError: too many are. */
export interface Saw {
  (checkpoint: Checkpoint): void;
  /** Write down those that are still to be compared, in the use case that keeps what they vouched for. ConnectError as above. */
  readonly keep: (draft: Draft) => Promise<void>;
}

export class Growing {
  readonly #pending: Owed = new Map();
  readonly saw: Saw = Object.assign((checkpoint: Checkpoint) => add(this.#pending, checkpoint), {
    keep: (draft: Draft) => this.#keep(draft),
  });

  constructor(
    private readonly store: SealedStore,
    private readonly log: Verifier,
  ) {}

  /**
   * Read the newest checkpoint, and compare with it all that were seen, now and before; it is kept in their place. Raises
   * LedgerError CONSISTENCY_INVALID (the log was rewritten, or shows fewer entries than it had) and what `open` raises;
   * ConnectError; StoreError. Then nothing is kept, and the next call compares again, after a reload too.
   */
  async check(): Promise<Checkpoint> {
    // What is seen while the newest is read may be newer than that.
    const seen: Owed = new Map(this.#pending);
    const before = await this.store.read(async (draft) => {
      for (const [name, each] of await owedIn(draft, this.log.name)) seen.set(name, each);
      return this.#last(draft);
    });
    const answer = await ledger.getCheckpoint({});
    const { checkpoint } = open(answer.checkpoint, ofLog(this.log));
    for (const each of [...seen.values(), ...(before === null ? [] : [before])]) await checkExtends(each, checkpoint);
    await this.store.change((draft) => this.#compared(draft, seen, before, checkpoint));
    for (const name of seen.keys()) this.#pending.delete(name);
    return checkpoint;
  }

  /** The largest checkpoint that was seen and compared; null if none was yet. */
  last(): Promise<Checkpoint | null> {
    return this.store.read((draft) => this.#last(draft));
  }

  /** Keep the newest in the place of what was compared with it. */
  async #compared(draft: Draft, seen: Owed, before: Checkpoint | null, newest: Checkpoint): Promise<void> {
    const now = await this.#last(draft);
    const isLess = now !== null && now.size >= newest.size;
    if (!isLess) draft.put(this.#place, encode(LABEL, newest.origin, newest.size, newest.root));
    const owed = await owedIn(draft, this.log.name);
    const count = owed.size;
    for (const name of seen.keys()) owed.delete(name);
    // Another tab may have kept one meanwhile, which was not compared with this.
    const isOthers = now !== null && (before === null || nameOf(now) !== nameOf(before));
    if (isOthers && nameOf(now) !== nameOf(newest)) add(owed, isLess ? newest : now);
    else if (owed.size === count) return;
    putOwed(draft, this.log.name, owed);
  }

  async #keep(draft: Draft): Promise<void> {
    if (this.#pending.size === 0) return;
    const owed = await owedIn(draft, this.log.name);
    const count = owed.size;
    for (const each of this.#pending.values()) add(owed, each);
    if (owed.size > count) putOwed(draft, this.log.name, owed);
  }

  /** A log keeps its origin when its key changes, and so does what was seen of it. */
  get #place(): { kind: string; name: string } {
    return { kind: KIND, name: this.log.name };
  }

  async #last(draft: Pick<Draft, "get">): Promise<Checkpoint | null> {
    const value = await draft.get(this.#place);
    if (value === null) return null;
    try {
      const [origin, ...rest] = decode(LABEL, value);
      if (rest.length !== 2 || origin !== this.log.name) throw damaged();
      return checkpointOf(this.log.name, rest);
    } catch {
      throw damaged();
    }
  }
}
