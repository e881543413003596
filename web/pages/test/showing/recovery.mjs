// Reads words, notes, trees and ledgers from its input and writes what the page's vault makes of them:
// tests/web/test_vault_recovery.py compares it with Python's. The first argument is the folder of the compiled code.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const load = (name) => import(pathToFileURL(`${process.argv[2]}/pages/src/vault/${name}.js`).href);
const [{ dataKeyOf, wordsOf }, { saidOf }, { ProvingFrontier }, { LedgerReader, noteKey }, { HAPPENED }, records, children] =
  await Promise.all(["words", "notes", "proving", "reader", "views", "records"].map((name) => load(`recovery/${name}`)).concat(
    load("holding/children")));
const [{ putReading, readingIn }, { childrenOf }] = [records, children];
const octets = (digits) => Uint8Array.from(Buffer.from(digits, "hex"));
const hex = (given) => Buffer.from(given).toString("hex");
const placed = ({ size, hashes, paths, header }) => ({
  size, hashes: hashes.map(hex), paths: [...paths].map(([index, path]) => [index, path.map(hex)]), header: hex(header),
});
const kinds = {
  words: ({ secret, lang }) => wordsOf(octets(secret), lang).join(" "),
  key: ({ words }) => hex(dataKeyOf(words)),
  said({ plain }) {
    const said = saidOf(octets(plain));
    if (said === null) return null;
    const { digest, requestDigest, ...rest } = said.use ?? said.event;
    return { ...rest, digest: hex(digest ?? requestDigest) };
  },
  /** A tree that is taken apart and made again on the way, with the proofs of what was kept. */
  tree({ leaves, keep, apart }) {
    let tree = new ProvingFrontier();
    leaves.forEach((leaf, at) => {
      tree.append(octets(leaf), keep.includes(at));
      if (at === apart) tree = new ProvingFrontier(tree.size, tree.hashes, tree.paths);
    });
    const proofs = keep.map((index) => tree.proof(index).map(hex));
    return { hashes: tree.hashes.map(hex), root: hex(tree.root()), proofs };
  },
  /** A ledger that is read on from a place, whose own entries are named by their indexes. */
  read({ entries, own, first, place, checkpoint }) {
    const from = place === null ? { size: 0, hashes: [], paths: new Map(), header: new Uint8Array() } : {
      size: place.size, hashes: place.hashes.map(octets), header: octets(place.header),
      paths: new Map(place.paths.map(([index, path]) => [index, path.map(octets)])),
    };
    const reader = new LedgerReader(from, new Map(first.map(([note, index]) => [noteKey(octets(note)), index])));
    const ends = entries.filter(([index, entry, note]) =>
      reader.take({ index: BigInt(index), entry: octets(entry), holderNote: octets(note) }, own.includes(index)));
    if (checkpoint !== null) reader.checkEnd({ origin: "", size: BigInt(checkpoint.size), root: octets(checkpoint.root) });
    const { place: reached, found } = reader.place();
    return {
      ends: ends.length, place: placed(reached),
      found: found.map(({ index, height, time, copyOf }) => ({ index, height, time, copyOf })),
    };
  },
  /** A reading as the store keeps it: with so many paths, or octets that are none. */
  async kept({ paths, octets: kept }) {
    const log = { name: "log.example", type: 1, publicKey: new Uint8Array(32), keyId: new Uint8Array(4) };
    let stored = kept === null ? null : octets(kept);
    const draft = { put: (_, value) => (stored = value), get: async () => stored };
    const path = Array.from({ length: 30 }, () => new Uint8Array(32));
    if (paths !== null) {
      const all = new Map(Array.from({ length: paths }, (_, at) => [at, path]));
      const place = { size: 0, hashes: [], paths: all, header: octets("") };
      putReading(draft, log, { log: "", verified: place, checkpoint: octets(""), read: place, size: 0 });
      return stored.length > 0;
    }
    return (await readingIn(draft, log)).read.size;
  },
  happened: () => HAPPENED,
  children: ({ held }) => [...childrenOf(held.map(({ id, values, by }) => {
    const read = Object.entries(values).map(([name, value]) => [name, name === "child_name" ? value : octets(value)]);
    return { id, credential: { values: Object.fromEntries(read) }, issuerKey: { name: { department: by ?? "police" } } };
  }))],
};
const answers = await Promise.all(JSON.parse(readFileSync(0, "utf8")).map(async ([kind, given]) => {
  try {
    return await kinds[kind](given);
  } catch (error) {
    if (error.reason === undefined) throw error;
    return { refused: error.reason, said: String(error) };
  }
}));
process.stdout.write(JSON.stringify(answers));
