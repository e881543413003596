// Reads cases from its input and says of each what the ledger's code makes of it, or why it refuses it:
// tests/web/test_ledger.py compares that with what the package of Python says. The first argument is the folder
// in which the compiled code lies.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const load = (name) => import(pathToFileURL(`${process.argv[2]}/${name}.js`).href);
const [{ LedgerError, hex }, { parseEntry }, { open, parsePolicy, policyText }, { checkReceipt }, { loadMldsa }] =
  await Promise.all(["encoding", "entry", "policy", "receipt", "mldsa"].map(load));

const opened = ({ checkpoint, cosignatures, anchored }) => ({
  origin: checkpoint.origin,
  size: String(checkpoint.size),
  root: hex(checkpoint.root),
  cosigned: cosignatures.map((each) => [each.witness, String(each.time)]).sort(),
  anchored,
});
const kinds = {
  policy: (octets) => policyText(parsePolicy(octets)),
  entry: (octets) => Boolean(parseEntry(octets)),
  note: (octets, policy) => opened(open(octets, policy)),
  receipt: (octets, policy) => {
    const checked = checkReceipt(octets, policy);
    return { index: String(checked.proof.index), leaf: hex(checked.leaf), ...opened(checked.opened) };
  },
};
const given = JSON.parse(readFileSync(0, "utf8"));
const policy = parsePolicy(Buffer.from(given.policy, "hex"));
if (given.mldsa) await loadMldsa();
const answers = given.cases.map(([kind, octets]) => {
  try {
    return { good: kinds[kind](Uint8Array.from(Buffer.from(octets, "hex")), policy) };
  } catch (error) {
    if (error instanceof LedgerError) return { refused: error.reason };
    return { crashed: String(error) };
  }
});
process.stdout.write(JSON.stringify(answers));
