// A vault's sealed storage. Whoever uses it gives one function a use case, which reads and says what to write; what it
// said is written in one transaction, durably, or not at all. A tab that is closed at any step leaves nothing half done.

import { joined } from "../../ledger/encoding.js";
import { malformed, readBackup, written } from "./backup.js";
import { type About, type Changes, Database } from "./database.js";
import { StoreError } from "./errors.js";
import { Keys, type Opened, type Place } from "./keys.js";
import { KEY_OCTETS, type Octets, random, unwrap, wrap } from "./passphrase.js";
import type { UseKeys } from "./uses.js";

/** What a use case sees of the vault: what it wrote itself, and what stood there when it began. */
export interface Draft {
  /** The value at a place, or null. */
  get(place: Place): Promise<Uint8Array | null>;
  /** All of a kind, by name. */
  list(kind: string): Promise<Opened[]>;
  put(place: Place, value: Uint8Array): void;
  remove(place: Place): void;
}

/** A value for a place. */
export type Written = Opened;

export class SealedStore {
  readonly #database: Database;
  readonly #vault: string;
  #keys: Keys | null;

  private constructor(database: Database, keys: Keys, vault: string) {
    this.#database = database;
    this.#keys = keys;
    this.#vault = vault;
  }

  /** Whether there is a vault of this name in this browser. */
  static async exists(name: string): Promise<boolean> {
    const database = await Database.open(name);
    try {
      return (await database.about()) !== null;
    } finally {
      database.close();
    }
  }

  /**
   * Make a vault, with what it begins with, of a new data key or of the one that recovery words stand for, whose octets are
   * overwritten. Raises StoreError VAULT_EXISTS if there is one, PASSPHRASE_TOO_SHORT, PASSPHRASE_TOO_LONG, PASSPHRASE_MALFORMED.
   */
  static async create(
    name: string, passphrase: string, first: readonly Written[] = [], dataKey: Octets = random(KEY_OCTETS),
  ): Promise<SealedStore> {
    const header = await wrap(dataKey, passphrase);
    const keys = await Keys.of(dataKey);
    const records = new Map<string, Uint8Array>();
    for (const each of first) records.set(await keys.place(each), await keys.seal(each, each.value));
    return SealedStore.#begun(name, header, keys, records);
  }

  /**
   * Make a vault of a file that `backup` gave, with what `aged` makes of each record: null where it stays as it was. Raises
   * StoreError VAULT_EXISTS, BACKUP_MALFORMED, PASSPHRASE_WRONG, VAULT_DAMAGED (a record was damaged when the file was made);
   * then nothing is written.
   */
  static async restore(
    name: string, file: Uint8Array, passphrase: string, aged: (each: Opened) => Uint8Array | null = () => null,
  ): Promise<SealedStore> {
    const { header, records, covered, mac } = readBackup(file);
    const keys = await Keys.of(await unwrap(header, passphrase));
    if (!(await keys.verifyBackup(covered, mac))) throw malformed();
    const changes = new Map(records);
    await Promise.all(Array.from(records, async ([key, sealed]) => {
      const each = await keys.open(key, sealed);
      const value = aged(each);
      if (value !== null) changes.set(key, await keys.seal(each, value));
    }));
    return SealedStore.#begun(name, header, keys, changes);
  }

  static #begun(name: string, header: Uint8Array, keys: Keys, records: Changes): Promise<SealedStore> {
    return SealedStore.#opened(name, async (database) => {
      const vault = await keys.vault();
      await database.write({ header, vault, mark: crypto.randomUUID() }, records, (now) => {
        if (now !== null) throw new StoreError("VAULT_EXISTS", "there is a vault already");
        return true;
      });
      return new SealedStore(database, keys, vault);
    });
  }

  /** Open a vault. Raises StoreError VAULT_NOT_FOUND, PASSPHRASE_WRONG, VAULT_DAMAGED. */
  static unlock(name: string, passphrase: string): Promise<SealedStore> {
    return SealedStore.#opened(name, async (database) => {
      const about = await database.about();
      if (about === null) throw new StoreError("VAULT_NOT_FOUND", "there is no vault yet");
      const keys = await Keys.of(await unwrap(about.header, passphrase));
      if ((await keys.vault()) !== about.vault) {
        throw new StoreError("VAULT_DAMAGED", "what is said of the vault was changed");
      }
      return new SealedStore(database, keys, about.vault);
    });
  }

  static async #opened(name: string, work: (database: Database) => Promise<SealedStore>): Promise<SealedStore> {
    const database = await Database.open(name);
    try {
      return await work(database);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** Let go of the keys. Whoever goes on is told VAULT_LOCKED. */
  lock(): void {
    this.#keys = null;
    this.#database.close();
  }

  /** What tells this vault from others: it follows from its key, and says nothing of it. */
  get name(): string {
    return this.#vault;
  }

  /** What makes and recognises usage tags and notes. Raises StoreError VAULT_LOCKED. */
  get uses(): UseKeys {
    return this.#held().uses;
  }

  /** Read without writing; raises as `change` does. */
  read<Result>(work: (draft: Omit<Draft, "put" | "remove">) => Promise<Result>): Promise<Result> {
    return this.change(work);
  }

  /**
   * Do one use case. When the promise is kept, what it wrote is on the disk. `work` is done again from the beginning if
   * another tab changed the vault meanwhile, so it has no effect but on the draft. What it throws is thrown, and nothing
   * is written. Raises StoreError VAULT_LOCKED, VAULT_DAMAGED, VAULT_REPLACED (another vault took the place of this).
   */
  async change<Result>(work: (draft: Draft) => Promise<Result>): Promise<Result> {
    for (;;) {
      const begun = this.#same(await this.#database.about());
      const draft = new Working(this.#held(), this.#database, begun.mark);
      try {
        const result = await work(draft);
        if (await this.#write(begun, draft)) return result;
      } catch (error) {
        // What was read of two moments may not fit together: then it is the moment that was wrong, not the work.
        if (this.#same(await this.#database.about()).mark === begun.mark) throw error;
      }
    }
  }

  /**
   * The whole vault of one moment in one sealed file, which opens with the passphrase of that moment. Raises StoreError
   * VAULT_LOCKED, VAULT_REPLACED, VAULT_DAMAGED: what is damaged is not handed out as a backup.
   */
  async backup(): Promise<Uint8Array> {
    const keys = this.#held();
    const { about, records } = await this.#database.read("");
    const { header } = this.#same(about);
    const sealed = new Map<string, Uint8Array>();
    for (const [key, value] of records) {
      await keys.open(key, value);
      sealed.set(key, value as Uint8Array);
    }
    const covered = written(header, sealed);
    return joined(covered, await keys.signBackup(covered));
  }

  /** The data key, which recovery words stand for: the caller overwrites it. Raises as `unlock` does. */
  async recoverySecret(passphrase: string): Promise<Octets> {
    return unwrap(this.#same(await this.#database.about()).header, passphrase);
  }

  /** Wrap the same data key anew. Raises as `unlock` and `create` do; records stay as they are. */
  async changePassphrase(old: string, chosen: string): Promise<void> {
    const begun = this.#same(await this.#database.about());
    const dataKey = await unwrap(begun.header, old);
    const header = await wrap(dataKey, chosen).finally(() => dataKey.fill(0));
    await this.#database.write({ ...begun, header, mark: crypto.randomUUID() }, new Map(), (now) => {
      if (this.#same(now).header.toString() === begun.header.toString()) return true;
      throw new StoreError("PASSPHRASE_WRONG", "the passphrase was changed meanwhile");
    });
  }

  async #write(begun: About, draft: Working): Promise<boolean> {
    const changes = await draft.sealed();
    this.#held();
    if (changes.size === 0) return this.#same(await this.#database.about()).mark === begun.mark;
    const about = { ...begun, mark: crypto.randomUUID() };
    return this.#database.write(about, changes, (now) => this.#same(now).mark === begun.mark);
  }

  #held(): Keys {
    if (this.#keys === null) throw new StoreError("VAULT_LOCKED", "the vault is locked");
    return this.#keys;
  }

  #same(about: About | null): About {
    this.#held();
    if (about?.vault === this.#vault) return about;
    throw new StoreError("VAULT_REPLACED", "this is not the vault that was opened");
  }
}

/** A use case at work. */
class Working implements Draft {
  readonly #written = new Map<string, { place: Place; value: Uint8Array | null }>();

  constructor(
    private readonly keys: Keys,
    private readonly database: Database,
    private readonly mark: string,
  ) {}

  async get(place: Place): Promise<Uint8Array | null> {
    const written = this.#written.get(name(place));
    if (written !== undefined) return written.value;
    const key = await this.keys.place(place);
    return (await this.#read(key))[0]?.value ?? null;
  }

  async list(kind: string): Promise<Opened[]> {
    const found = new Map((await this.#read(await this.keys.kind(kind))).map((each) => [name(each), each]));
    for (const [key, { place, value }] of this.#written) {
      if (place.kind !== kind) continue;
      if (value === null) found.delete(key);
      else found.set(key, { ...place, value });
    }
    return [...found.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  put({ kind, name: own }: Place, value: Uint8Array): void {
    this.#written.set(name({ kind, name: own }), { place: { kind, name: own }, value: value.slice() });
  }

  remove({ kind, name: own }: Place): void {
    this.#written.set(name({ kind, name: own }), { place: { kind, name: own }, value: null });
  }

  async sealed(): Promise<Map<string, Uint8Array | null>> {
    const changes = new Map<string, Uint8Array | null>();
    for (const { place, value } of this.#written.values()) {
      changes.set(await this.keys.place(place), value === null ? null : await this.keys.seal(place, value));
    }
    return changes;
  }

  async #read(beginning: string): Promise<Opened[]> {
    const { about, records } = await this.database.read(beginning);
    if (about?.mark !== this.mark) throw new StoreError("VAULT_REPLACED", "the vault changed while it was read");
    return Promise.all(Array.from(records, ([key, sealed]) => this.keys.open(key, sealed)));
  }
}

const name = (place: Place): string => JSON.stringify([place.kind, place.name]);
