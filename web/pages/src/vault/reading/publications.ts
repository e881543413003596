// What requests name by digest: tables of digits, lists of codes, regulators.
import { equal, hex } from "../../../../prover/src/bbs/octets.js";
import { publication } from "./clients.js";
import { publishedEntry, regulatorEntry } from "./entries.js";
import { type Ground, checkLogged } from "./ground.js";
import { type Published, type Regulator, other, publishedOf, regulatorOf, tableName } from "./messages.js";
import { REGULATOR, tableOf } from "./sorts.js";

export class Publications {
  constructor(private readonly ground: Ground) {}

  /** A table or list, every signature of which was checked when it was read from the service. */
  async table(digest: Uint8Array): Promise<Published> {
    const { published } = await this.ground.kept.fixed(tableOf(digest), hex(digest), async () => {
      const message = await publication.getTable({ name: tableName(digest) });
      const found = publishedOf(message);
      if (!equal(found.table.digest, digest)) throw other();
      checkLogged(this.ground, publishedEntry(found), message.proof);
      return { published: found, octets: message.octets };
    });
    return published;
  }

  /** A regulator by the digest of its key. */
  regulator(digest: Uint8Array): Promise<Regulator> {
    return this.ground.kept.fixed(REGULATOR, hex(digest), async () => {
      const message = await publication.getRegulator({ name: "regulators/-", digest });
      const found = regulatorOf(message);
      if (!equal(found.key.digest, digest)) throw other();
      const entry = regulatorEntry(found.name, found.displayName, found.key.suite, found.shares);
      checkLogged(this.ground, entry, message.proof);
      return found;
    });
  }
}
