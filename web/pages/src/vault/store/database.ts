// One IndexedDB of this origin for a vault: its header, which vault it is, the mark of its last change, and the records.
// A write is durable when its promise is kept: the transaction is strict, and its end is waited for.

import { StoreError } from "./errors.js";

const VERSION = 1;
const ABOUT = "about";
const RECORDS = "records";

/** What stands beside the records. It comes from a disk that others may have written: nothing of it is believed. */
export interface About {
  readonly header: Uint8Array;
  readonly vault: string;
  readonly mark: string;
}

/** What a transaction is to leave: a sealed value, or null for none, under each key of a record. */
export type Changes = ReadonlyMap<string, Uint8Array | null>;

export class Database {
  readonly #opened: IDBDatabase;

  private constructor(opened: IDBDatabase) {
    this.#opened = opened;
    opened.onversionchange = () => opened.close(); // another tab erases the vault, or has a newer form of it
  }

  static async open(name: string): Promise<Database> {
    const asked = indexedDB.open(name, VERSION);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore(ABOUT);
      asked.result.createObjectStore(RECORDS);
    };
    return new Database(await kept(asked));
  }

  close(): void {
    this.#opened.close();
  }

  /** What is said of the vault; null if there is none. Raises StoreError VAULT_DAMAGED. */
  async about(): Promise<About | null> {
    return checked(await kept(this.#begin("readonly").objectStore(ABOUT).get(ABOUT)));
  }

  /** Records whose keys begin so, and what is said of the vault at the same moment. */
  async read(beginning: string): Promise<{ about: About | null; records: Map<string, unknown> }> {
    const within = this.#begin("readonly");
    const range = IDBKeyRange.bound(beginning, `${beginning}\uffff`);
    const records = within.objectStore(RECORDS);
    const [about, keys, values] = await Promise.all([
      kept(within.objectStore(ABOUT).get(ABOUT)),
      kept(records.getAllKeys(range)),
      kept(records.getAll(range)),
    ]);
    return { about: checked(about), records: new Map(keys.map((key, at) => [String(key), values[at]])) };
  }

  /**
   * Write in one transaction what is said of the vault and changes of records, if what is said of it now passes
   * `allowed`, which may throw. Returns whether it was written.
   */
  async write(about: About, changes: Changes, allowed: (now: About | null) => boolean): Promise<boolean> {
    const within = this.#begin("readwrite");
    const ended = done(within);
    ended.catch(() => undefined); // whoever waits below is told
    try {
      const store = within.objectStore(ABOUT);
      const now = checked(await kept(store.get(ABOUT)));
      if (!allowed(now)) {
        within.abort();
        return false;
      }
      store.put(about, ABOUT);
      const records = within.objectStore(RECORDS);
      if (now === null) records.clear(); // of a vault that is gone nothing comes back
      for (const [key, sealed] of changes) sealed === null ? records.delete(key) : records.put(sealed, key);
    } catch (error) {
      within.abort();
      throw error;
    }
    await ended;
    return true;
  }

  #begin(mode: IDBTransactionMode): IDBTransaction {
    try {
      return this.#opened.transaction([ABOUT, RECORDS], mode, { durability: "strict" });
    } catch (error) {
      if (!(error instanceof DOMException && error.name === "InvalidStateError")) throw error;
      throw new StoreError("VAULT_LOCKED", "the vault's database was closed");
    }
  }
}

function checked(about: unknown): About | null {
  if (about === undefined) return null;
  const { header, vault, mark } = (about ?? {}) as Partial<Record<keyof About, unknown>>;
  if (!(header instanceof Uint8Array) || typeof vault !== "string" || typeof mark !== "string") {
    throw new StoreError("VAULT_DAMAGED", "what is said of the vault was changed");
  }
  return { header, vault, mark };
}

const kept = <Result>(asked: IDBRequest<Result>): Promise<Result> =>
  new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });

const done = (transaction: IDBTransaction): Promise<void> =>
  new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new DOMException("it was given up", "AbortError"));
  });
