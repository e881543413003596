// Departments' lists of revocations, their epochs, and witnesses that are brought to the newest (prover/client/witnesses.py).
// Nothing that is sent depends on a handle: the newest epoch and whole pages are everybody's. That a vault asks about a
// list at all tells the service that it has a credential of that department.
import { Epoch, type MembershipWitness } from "../../../../prover/src/accumulator/list.js";
import { CatchingUp, Page } from "../../../../prover/src/accumulator/pages.js";
import { BbsError } from "../../../../prover/src/bbs/errors.js";
import { MalformedError } from "../../../../prover/src/disclosure/errors.js";
import type { Epoch as EpochMessage } from "../../../gen/zkproto/v1/revocation_pb.js";
import type { List } from "../parts.js";
import { revocation } from "./clients.js";
import { accumulatorEntry, accumulatorName, epochEntry } from "./entries.js";
import { type Ground, checkLogged } from "./ground.js";
import { accumulatorKey, listOf, other } from "./messages.js";
import { LIST, LISTS, epochOf, newestOf } from "./sorts.js";

const PAGE = 100;
/** More lists than a department has in a century of new ones each month. */
const MAX_LISTS = 1200;
/** Pairs of one page (wire/revocation.py). */
const MAX_PAIRS = 8192;

export class Revocations {
  constructor(private readonly ground: Ground) {}

  /** A department's lists, the newest first. Each is read with its proof once. */
  lists(department: string): Promise<readonly List[]> {
    return this.ground.kept.latest(LISTS, department, async () => {
      const found: List[] = [];
      let pageToken = "";
      do {
        const page = await revocation.listAccumulators({ parent: department, pageSize: PAGE, pageToken });
        for (const each of page.accumulators) found.push(await this.#logged(listOf(each), department));
        if (found.length > MAX_LISTS || (page.nextPageToken && page.accumulators.length === 0)) throw other();
        pageToken = page.nextPageToken;
      } while (pageToken);
      return found;
    });
  }

  /** The list of a department's key, whose record stands on the ledger. */
  listOfKey(department: string, suite: string, octets: Uint8Array): Promise<List> {
    const key = accumulatorKey(suite, octets);
    const name = accumulatorName(department, key);
    return this.#logged({ name, department: `departments/${department}`, key }, `departments/${department}`);
  }

  #logged(listed: List, department: string): Promise<List> {
    if (listed.department !== department) throw other();
    return this.ground.kept.fixed(LIST, listed.name, async () => {
      const message = await revocation.getAccumulator({ name: listed.name });
      const found = listOf(message);
      if (found.name !== listed.name || !found.key.isSame(listed.key)) throw other();
      checkLogged(this.ground, accumulatorEntry(found.name, found.key), message.proof);
      return found;
    });
  }

  epoch(list: List, number: bigint): Promise<Epoch> {
    return this.ground.kept.fixed(epochOf(list), `${number} ${list.name}`, async () => {
      const found = this.#believed(list, await revocation.getEpoch({ accumulator: list.name, number }));
      if (found.number !== number) throw other();
      return found;
    });
  }

  /** The newest epoch that the service has, or that was seen. */
  newestEpoch(list: List): Promise<Epoch> {
    return this.#newest(list, () => revocation.getEpoch({ accumulator: list.name }));
  }

  /** The same of a message that was read with others. */
  toldEpoch(list: List, message: EpochMessage): Promise<Epoch> {
    return this.#newest(list, () => Promise.resolve(message));
  }

  keptEpoch(list: List): Promise<Epoch | null> {
    return this.ground.kept.last(newestOf(list), list.name);
  }

  #newest(list: List, ask: () => Promise<EpochMessage>): Promise<Epoch> {
    return this.ground.kept.latest(newestOf(list), list.name, async (before) => {
      const found = this.#believed(list, await ask());
      return before !== null && before.number > found.number ? before : found;
    });
  }

  #believed({ key }: List, { octets, proof }: EpochMessage): Epoch {
    const found = decoded(() => Epoch.fromOctets(octets, key));
    checkLogged(this.ground, epochEntry(found), proof);
    return found;
  }

  /**
   * A witness brought to the newest epoch; null if the credential is revoked. Raises BbsError PAGE_INVALID (pages that do not
   * lead to the epoch), WITNESS_INVALID, EPOCH_MISMATCH (a witness of another list).
   */
  async caughtUp(
    list: List,
    witness: MembershipWitness,
  ): Promise<{ witness: MembershipWitness; epoch: Epoch } | null> {
    const epoch = await this.newestEpoch(list);
    try {
      let state = CatchingUp.begin(witness, epoch);
      for await (const page of this.#pages(list, state.at.count, epoch.position.count)) state = state.after(page);
      return { witness: state.finish(), epoch };
    } catch (error) {
      if (error instanceof BbsError && error.reason === "REVOKED") return null;
      throw error;
    }
  }

  /** What lies between two numbers, of whole pages: where they begin does not tell what is held. */
  async *#pages(list: List, start: number, end: number): AsyncGenerator<Page> {
    let first = start < end ? start - (start % MAX_PAIRS) : end;
    while (first < end) {
      const limit = Math.min(MAX_PAIRS - (first % MAX_PAIRS), end - first);
      const asked = { accumulator: list.name, first: BigInt(first), limit };
      const answer = await revocation.listRevocations(asked);
      const page = decoded(() => Page.fromOctets(answer.page, list.key));
      if (page.first !== first || page.end > first + limit) throw other();
      first = page.end;
      if (page.end > start) yield page.first < start ? page.from(start) : page;
    }
  }
}

function decoded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof BbsError)) throw error;
    throw new MalformedError("MALFORMED", "the octets are no part of the list", "octets");
  }
}
