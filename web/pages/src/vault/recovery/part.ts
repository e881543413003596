// What a vault has done, read back from the ledger (prover/client/reading.py): page after page from its beginning, each asked for
// whole, the same for every vault, whatever is its own. A step reads some pages and writes down how far it came, so whoever asks
// for steps sees how far it is, and stops by asking for no more.

import { equal } from "../../../../prover/src/bbs/octets.js";
import { LedgerError } from "../../ledger/encoding.js";
import { verifierText } from "../../ledger/keys.js";
import type { Checkpoint } from "../../ledger/note.js";
import { ofLog, open } from "../../ledger/policy.js";
import { VaultError } from "../fault.js";
import type { ReadingView } from "../model.js";
import type { Opened } from "../parts.js";
import { ledger } from "../reading/clients.js";
import { isAway } from "../reading/ground.js";
import type { Growing } from "../reading/growing.js";
import type { Draft } from "../store/store.js";
import { type Said, saidIn } from "./notes.js";
import { type Came, LedgerReader, noteKey } from "./reader.js";
import {
  type Found, foundIn, type Place, putFound, putReading, type Reading, readingIn, readingOctets, removeFound, unread,
  verifiedOf,
} from "./records.js";

const PAGE = 256;
const PAGES_A_STEP = 8;

/** What is verified, with what its note says: null if a later version of this program wrote it. */
export interface Read {
  readonly found: Found;
  readonly said: Said | null;
}

/** Has what else the vault keeps be as the ledger says, in the use case in which its entries are believed. */
export type SettleFound = (draft: Draft, all: readonly Read[]) => Promise<void>;

interface Begun {
  readonly reading: Reading;
  /** The index of each own note that was found before. */
  readonly first: ReadonlyMap<string, number>;
  /** How many copies of them were. */
  readonly copies: number;
}

interface Reached {
  readonly place: Place;
  readonly found: readonly Found[];
}

export class Recovery {
  constructor(
    private readonly opened: Opened, private readonly growing: Growing, private readonly settling: readonly SettleFound[] = [],
  ) {}

  /** How far the ledger was read; null if it never was. */
  state(): Promise<ReadingView | null> {
    return this.opened.store.read(async (draft) => {
      const reading = await readingIn(draft, this.opened.log);
      return reading === null ? null : viewOf(reading, await foundIn(draft));
    });
  }

  /**
   * Read one step further, up to the log's newest checkpoint. LedgerError: what came is not what the log has signed, or the log
   * was rewritten; what is not verified is dropped then, unless it was not looked at. VaultError RECOVERY_BROKEN_OFF: the service
   * shows an older state than was verified. ConnectError: it goes on where it was.
   */
  async step(): Promise<ReadingView> {
    const { store, log } = this.opened;
    const { checkpoint: signed } = await ledger.getCheckpoint({});
    const { checkpoint } = open(signed, ofLog(log));
    await this.#saw(checkpoint);
    const size = numberOf(checkpoint);
    const begun = await store.change((draft) => this.#begun(draft, size));
    const reached = await this.#tried(begun, checkpoint, size);
    const isWhole = reached.place.size === size;
    // What was verified has to be of the one ledger that the vault has seen otherwise.
    if (isWhole) await this.growing.check();
    try {
      return await store.change((draft) => this.#kept(draft, begun.reading, reached, isWhole ? signed : null));
    } catch (error) {
      if (error instanceof LedgerError) await this.#drop();
      throw error;
    }
  }

  /** A long ledger is read under many checkpoints: where there is no room for one more, those before are compared first. */
  async #saw(checkpoint: Checkpoint): Promise<void> {
    try {
      this.growing.saw(checkpoint);
    } catch (error) {
      if (!isAway(error)) throw error;
      await this.growing.check();
      this.growing.saw(checkpoint);
    }
  }

  async #begun(draft: Draft, size: number): Promise<Begun> {
    const { log } = this.opened;
    const before = (await readingIn(draft, log)) ?? unread(log);
    if (size < before.verified.size) {
      throw new VaultError("RECOVERY_BROKEN_OFF", "this is an older state of the log than the one that was read");
    }
    const all = await foundIn(draft);
    // Where nothing was read, what was found is of a reading that is begun anew.
    const held = size < before.read.size || before.read.size === 0 ? dropped(draft, before, all) : before;
    const reading = { ...held, log: verifierText(log), size };
    putReading(draft, log, reading);
    const known = all.filter(({ index }) => index < reading.read.size).reverse();
    const copies = known.filter(({ copyOf }) => copyOf !== null).length;
    return { reading, first: new Map(known.map(({ holderNote, index }) => [noteKey(holderNote), index])), copies };
  }

  /** Read on; what does not hold takes with it what was not verified yet. */
  async #tried({ reading, first, copies }: Begun, checkpoint: Checkpoint, size: number): Promise<Reached> {
    const reader = new LedgerReader(reading.read, first, copies);
    try {
      const reached = await this.#read(reader, size);
      if (reader.size === size) reader.checkEnd(checkpoint);
      return reached;
    } catch (error) {
      if (error instanceof LedgerError) await this.#drop();
      throw error;
    }
  }

  /** Read a step, to the end of a block; the next page is on its way while one is looked at. */
  async #read(reader: LedgerReader, size: number): Promise<Reached> {
    const enough = Math.min(size, reader.size + PAGES_A_STEP * PAGE);
    let coming = reader.size < size ? pageFrom(reader.size, size) : null;
    while (reader.size < size) {
      const entries = await (coming ?? pageFrom(reader.size, size));
      const next = reader.size + entries.length;
      coming = next < enough ? pageFrom(next, size) : null;
      coming?.catch(() => undefined); // it is told where it is waited for
      const own = await Promise.all(entries.map(({ holderNote }) => this.#isOwn(holderNote)));
      for (const [at, each] of entries.entries()) {
        if (reader.take(each, own[at] === true) && reader.size >= enough) return reader.place();
      }
    }
    return reader.place();
  }

  async #isOwn(note: Uint8Array): Promise<boolean> {
    return note.length > 0 && (await this.opened.store.uses.openNote(note)) !== null;
  }

  /** Write down what a step came to, unless another tab has read on meanwhile. */
  async #kept(draft: Draft, begun: Reading, { place, found }: Reached, signed: Uint8Array | null): Promise<ReadingView> {
    const { log } = this.opened;
    const now = (await readingIn(draft, log)) ?? unread(log);
    if (!isSame(now, begun)) return viewOf(now, await foundIn(draft));
    const reading: Reading = { ...begun, read: place, ...(signed === null ? {} : { verified: place, checkpoint: signed }) };
    for (const each of found) putFound(draft, each);
    putReading(draft, log, reading);
    const all = await foundIn(draft);
    if (signed !== null && this.settling.length > 0) await this.#settled(draft, verifiedOf(all, reading));
    return viewOf(reading, all);
  }

  async #settled(draft: Draft, verified: readonly Found[]): Promise<void> {
    const all = await Promise.all(verified.map(async (found): Promise<Read> =>
      ({ found, said: await saidIn(this.opened.store, found.holderNote) })));
    for (const settle of this.settling) await settle(draft, all);
  }

  #drop(): Promise<void> {
    return this.opened.store.change(async (draft) => {
      const reading = await readingIn(draft, this.opened.log);
      if (reading === null) return;
      putReading(draft, this.opened.log, dropped(draft, reading, await foundIn(draft)));
    });
  }
}

/** Whether two readings are one place of one log, whatever its size was when it was looked at. */
const isSame = (one: Reading, other: Reading): boolean =>
  equal(readingOctets({ ...one, size: 0 }), readingOctets({ ...other, size: 0 }));

/** The reading without what is not verified, which is forgotten with what was found in it. */
function dropped(draft: Draft, reading: Reading, found: readonly Found[]): Reading {
  for (const each of found) if (each.index >= reading.verified.size) removeFound(draft, each);
  return { ...reading, read: reading.verified };
}

/**
 * The entries from one on to the end of its page, or of what was signed. Pages begin where everybody's do: whoever goes on with a
 * reading does not tell where it had stopped. LedgerError INCLUSION_INVALID: there are fewer than were signed; ConnectError.
 */
async function pageFrom(at: number, size: number): Promise<readonly Came[]> {
  const first = at - (at % PAGE);
  const end = Math.min(first + PAGE, size);
  const found: Came[] = [];
  while (first + found.length < end) {
    const start = first + found.length;
    const { entries } = await ledger.listEntries({ startIndex: BigInt(start), pageSize: first + PAGE - start });
    if (entries.length === 0) throw new LedgerError("INCLUSION_INVALID", "there are fewer entries than the log signed");
    found.push(...entries);
  }
  return found.slice(at - first, end - first);
}

function viewOf({ read, size, verified, checkpoint }: Reading, all: readonly Found[]): ReadingView {
  const own = all.filter(({ index, copyOf }) => index < verified.size && copyOf === null);
  const done = checkpoint.length > 0 && verified.size === size;
  return { read: read.size, size: Math.max(size, read.size), done, found: own.length };
}

function numberOf({ size }: Checkpoint): number {
  if (size > BigInt(Number.MAX_SAFE_INTEGER)) throw new LedgerError("CHECKPOINT_MALFORMED", "no log has so many entries");
  return Number(size);
}
