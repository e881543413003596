// What was read and checked, kept in the sealed store (wire/kept.py): what never changes is read once, and of what changes
// the last is there when the service is not. A kept record is believed: it was checked under the log's key that it names
// before it was kept, the store is authenticated, and with it the checkpoint that vouched for it was kept until that was
// compared with the ledger (owed.ts).
import { type Decoded, type Item, decode, encode } from "../../../../prover/src/disclosure/canonical.js";
import { list, text, texts, whole } from "../../../../prover/src/disclosure/reading.js";
import { same } from "../../ledger/encoding.js";
import { type Verifier, verifierText } from "../../ledger/keys.js";
import { StoreError } from "../store/errors.js";
import type { Draft, SealedStore } from "../store/store.js";
import { isAway } from "./ground.js";
import type { Saw } from "./growing.js";

const KIND = "published";
const LABEL = "zk-disclosure/web-published/v1";
/** More than the largest table and the codes of it have. */
const MAX_OCTETS = 1 << 22;
const INDEX = "zk-disclosure/web-published-index/v1";
const MAX_MEMORY = 256;
/** What was read again and is the same is written down so often, in seconds. */
const AGAIN = 3600;

/** How a kind of thing is kept: its word in the records, and both ways between it and items. */
export interface Sort<T> {
  readonly word: string;
  readonly toItems: (value: T) => Item[];
  /** Throws whatever it likes for items that are none. */
  readonly fromItems: (items: Decoded[]) => T;
  /** How many are kept; of more, those that were read first are read again when they are wanted. Else there is no end. */
  readonly most?: number;
}

interface Writing {
  readonly octets: Uint8Array;
  readonly sort: { readonly word: string; readonly most?: number };
}

interface Found<T> {
  readonly value: T;
  /** When it was read, in seconds. */
  readonly read: number;
  readonly items: Item[];
}

export class Kept {
  readonly #log: string;
  readonly #memory = new Map<string, Promise<unknown>>();
  readonly #asked = new Map<string, Promise<unknown>>();
  readonly #pending = new Map<string, Writing>();
  #written: Promise<unknown> = Promise.resolve();
  #next: Promise<void> | null = null;

  /** `vouched` writes down what the ledger is still to be compared with, for what is kept. */
  constructor(
    private readonly store: SealedStore,
    log: Verifier,
    private readonly now: () => number,
    private readonly vouched: Saw["keep"],
  ) {
    this.#log = verifierText(log);
  }

  /** What never changes: as it is kept, else as `read` gives it. Raises what `read` does, StoreError, and as `Saw`. */
  fixed<T>(sort: Sort<T>, id: string, read: () => Promise<T>): Promise<T> {
    const place = placeOf(sort, id);
    return once(this.#memory, place, MAX_MEMORY, async () => {
      const found = await this.#find(sort, id);
      if (found !== null) return found.value;
      const value = await read();
      await this.#keep(sort, id, value, null);
      return value;
    });
  }

  /**
   * What may change: as `read` gives it, which is told what was there before, or as it was kept if the service was not
   * reached. What was read less than `fresh` seconds ago is not read again.
   */
  async latest<T>(sort: Sort<T>, id: string, read: (before: T | null) => Promise<T>, fresh = 0): Promise<T> {
    const place = placeOf(sort, id);
    const asking = once(this.#asked, place, MAX_MEMORY, async () => {
      const found = await this.#find(sort, id);
      const age = found === null ? Infinity : this.now() - found.read;
      if (found !== null && age >= 0 && age < fresh) return found.value;
      try {
        const value = await read(found?.value ?? null);
        await this.#keep(sort, id, value, found);
        return value;
      } catch (error) {
        if (found === null || !isAway(error)) throw error;
        return found.value;
      }
    });
    return asking.finally(() => this.#asked.delete(place));
  }

  /** What is kept, and nothing else; null if nothing is. Raises StoreError VAULT_DAMAGED. */
  async last<T>(sort: Sort<T>, id: string): Promise<T | null> {
    return (await this.#find(sort, id))?.value ?? null;
  }

  async #find<T>(sort: Sort<T>, id: string): Promise<Found<T> | null> {
    const octets = await this.store.read((draft) => draft.get({ kind: KIND, name: placeOf(sort, id) }));
    if (octets === null) return null;
    try {
      const refuse = damaged;
      const [log, word, name, read, items] = list(decode(LABEL, octets, MAX_OCTETS), refuse, 5);
      if (text(word, refuse) !== sort.word || text(name, refuse) !== id) throw damaged();
      if (text(log, refuse) !== this.#log) return null;
      const value = sort.fromItems(list(items, refuse));
      return { value, read: Number(whole(read, refuse)), items: list(items, refuse) };
    } catch {
      throw damaged();
    }
  }

  async #keep<T>(sort: Sort<T>, id: string, value: T, before: Found<T> | null): Promise<void> {
    const items = sort.toItems(value);
    const now = Math.floor(this.now());
    const age = before === null ? Infinity : now - before.read;
    if (before !== null && age >= 0 && age < AGAIN && same(encode("", ...items), encode("", ...before.items))) return;
    const octets = encode(LABEL, this.#log, sort.word, id, now, items);
    this.#pending.set(placeOf(sort, id), { octets, sort });
    this.#next ??= this.#written.then(() => this.#write());
    await this.#next;
  }

  /** Write all that was read while the last was written: one transaction, after which nobody begins again for another. */
  #write(): Promise<void> {
    const all = [...this.#pending];
    this.#pending.clear();
    this.#next = null;
    const writing = this.store.change(async (draft) => {
      for (const [name, { octets, sort }] of all) {
        draft.put({ kind: KIND, name }, octets);
        if (sort.most !== undefined) await makeRoom(draft, sort.word, sort.most, name);
      }
      await this.vouched(draft);
    });
    this.#written = writing.catch(() => undefined);
    return writing;
  }
}

/** Note that something of a sort was kept, and remove what was kept first, so that a store has an end. */
async function makeRoom(draft: Draft, word: string, most: number, name: string): Promise<void> {
  const place = { kind: KIND, name: `index ${word}` };
  const before = await draft.get(place);
  const known = before === null ? [] : namesOf(before);
  const order = [...known.filter((each) => each !== name), name];
  for (const oldest of order.splice(0, Math.max(0, order.length - most))) draft.remove({ kind: KIND, name: oldest });
  draft.put(place, encode(INDEX, order));
}

function namesOf(index: Uint8Array): string[] {
  try {
    return texts(decode(INDEX, index)[0], damaged);
  } catch {
    throw damaged();
  }
}

const placeOf = (sort: { readonly word: string }, id: string): string => `${sort.word} ${id}`;

/** The promise under a name, made if there is none; one that fails is forgotten, and so is the oldest of too many. */
function once<T>(all: Map<string, Promise<unknown>>, name: string, most: number, make: () => Promise<T>): Promise<T> {
  const there = all.get(name) as Promise<T> | undefined;
  if (there !== undefined) return there;
  const made = make();
  all.set(name, made);
  made.catch(() => all.get(name) === made && all.delete(name));
  for (const oldest of all.keys()) {
    if (all.size <= most) break;
    all.delete(oldest);
  }
  return made;
}

function damaged(): StoreError {
  return new StoreError("VAULT_DAMAGED", "what is kept of the published is none");
}
