// Reads what notes are to say from its input and writes their plain texts: tests/web/test_vault_notes.py compares them
// with Python's. The first argument is the folder in which the compiled code lies.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const load = (name) => import(pathToFileURL(`${process.argv[2]}/${name}.js`).href);
const [{ eventNote, eventNoteOf, eventOctets, eventPlain, noteHash, summaryOctets }, { hex }] = await Promise.all([
  load("pages/src/vault/showing/notes"), load("pages/src/ledger/encoding"),
]);
const octets = (digits) => Uint8Array.from(Buffer.from(digits, "hex"));
const kinds = {
  use: (given) => summaryOctets({ ...given, requestDigest: octets(given.digest) }),
  event(given) {
    const note = eventNote({ ...given, digest: octets(given.digest) });
    if (JSON.stringify(eventNoteOf(eventOctets(note))) !== JSON.stringify(note)) throw new Error("read differently");
    return eventPlain(note);
  },
  stored: (given) => eventOctets(eventNoteOf(octets(given))),
  hash: (given) => noteHash(octets(given)),
};
const answers = JSON.parse(readFileSync(0, "utf8")).map(([kind, given]) => {
  try {
    return hex(kinds[kind](given));
  } catch (error) {
    if (error.reason === undefined) throw error;
    return error.reason;
  }
});
process.stdout.write(JSON.stringify(answers));
