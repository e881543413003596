// That the log only grows: the newest checkpoint that the vault saw is kept sealed, and each other one has to be the
// beginning of a newer one, or have it as its own. A log that was rewritten for one vault shows itself to that vault.
import { decode, encode } from "../../../../prover/src/disclosure/canonical.js";
import { octets, text, whole } from "../../../../prover/src/disclosure/reading.js";
import { checkExtends } from "../../chain/extends.js";
import { hex } from "../../ledger/encoding.js";
import type { Verifier } from "../../ledger/keys.js";
import { HASH_OCTETS } from "../../ledger/merkle.js";
import type { Checkpoint } from "../../ledger/note.js";
import { ofLog, open } from "../../ledger/policy.js";
import { StoreError } from "../store/errors.js";
import type { Draft, SealedStore } from "../store/store.js";
import { ledger } from "./clients.js";

const KIND = "ledger-seen";
const LABEL = "zk-disclosure/web-ledger-seen/v1";
/** Checkpoints of one visit that are still to be compared; of more, the largest ledgers stay. */
const MAX_PENDING = 64;

export class Growing {
  readonly #pending = new Map<string, Checkpoint>();

  constructor(
    private readonly store: SealedStore,
    private readonly log: Verifier,
  ) {}

  /** Note a checkpoint that vouched for something, to be compared by `check`. */
  readonly saw = (checkpoint: Checkpoint): void => {
    this.#pending.set(`${checkpoint.size} ${hex(checkpoint.root)}`, checkpoint);
    if (this.#pending.size <= MAX_PENDING) return;
    const sizes = [...this.#pending.values()].map(({ size }) => size);
    const least = sizes.reduce((one, other) => (other < one ? other : one));
    for (const [name, { size }] of this.#pending) if (size === least) this.#pending.delete(name);
  };

  /**
   * Read the newest checkpoint, and compare with it all that were seen, now and before; it is kept in their place. Raises
   * LedgerError CONSISTENCY_INVALID (the log was rewritten, or shows fewer entries than it had) and what `open` raises;
   * ConnectError; StoreError. Then nothing is kept, and the next call compares again.
   */
  async check(): Promise<Checkpoint> {
    // What is seen while the newest is read may be newer than that.
    const pending = [...this.#pending];
    const before = await this.last();
    const answer = await ledger.getCheckpoint({});
    const { checkpoint } = open(answer.checkpoint, ofLog(this.log));
    for (const seen of [...pending.map(([, each]) => each), ...(before === null ? [] : [before])]) {
      await checkExtends(seen, checkpoint);
    }
    await this.store.change(async (draft) => {
      // Another tab may have kept a larger one meanwhile, which it compared with that of before.
      const now = await this.#kept(draft);
      if (now === null || now.size < checkpoint.size) draft.put(this.#place, this.#written(checkpoint));
    });
    for (const [name] of pending) this.#pending.delete(name);
    return checkpoint;
  }

  /** The largest checkpoint that was seen and compared; null if none was yet. */
  last(): Promise<Checkpoint | null> {
    return this.store.read((draft) => this.#kept(draft));
  }

  /** A log keeps its origin when its key changes, and so does what was seen of it. */
  get #place(): { kind: string; name: string } {
    return { kind: KIND, name: this.log.name };
  }

  #written({ origin, size, root }: Checkpoint): Uint8Array {
    return encode(LABEL, origin, size, root);
  }

  async #kept(draft: Pick<Draft, "get">): Promise<Checkpoint | null> {
    const value = await draft.get(this.#place);
    if (value === null) return null;
    const damaged = () => new StoreError("VAULT_DAMAGED", "what was seen of the log is none");
    try {
      const items = decode(LABEL, value);
      const origin = text(items[0], damaged);
      const size = whole(items[1], damaged);
      const root = octets(items[2], damaged);
      if (items.length !== 3 || origin !== this.log.name || size < 0n || root.length !== HASH_OCTETS) throw damaged();
      return { origin, size, root };
    } catch {
      throw damaged();
    }
  }
}
