// Cosignatures by ML-DSA-44 (c2sp.org/tlog-cosignature, section ML-DSA-44 signed message; tlog/statement.py,
// tlog/mldsa.py). The code for it is large, and most policies name no such witness: it is loaded when one does.
import type { Verifier } from "./keys.js";
import { LIMIT, fromBigEndian, joined, utf8 } from "./encoding.js";

/** The size and the root that somebody signs, and of which log. */
interface Tree {
  readonly origin: string;
  readonly size: bigint;
  readonly root: Uint8Array;
}

export const MLDSA_NAME_OCTETS = 255;
const SIGNATURE_OCTETS = 2420;
const LABEL = utf8("subtree/v1\n\0");
const INTEGER_OCTETS = 8;
const SEED_OF_MATRIX_OCTETS = 32;
/** Of t1, so many octets hold so many coefficients. */
const [GROUP_OCTETS, GROUP] = [5, 4];
const LARGEST = (1 << 10) - 1;
/** So near to 0, from above or below, a coefficient of t1 hardly changes what the verifier rounds to. */
const SMALL = 16;
type Verify = (signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array) => boolean;
let verify: Verify | undefined;

/** Whether cosignatures of type 06 can be verified now; before they count for nothing. */
export const mldsaIsLoaded = (): boolean => verify !== undefined;

/** Load what verifies them; rejects where it cannot be had. */
export async function loadMldsa(): Promise<void> {
  const { ml_dsa44 } = await import("@noble/post-quantum/ml-dsa.js");
  verify = (signature, message, publicKey) => ml_dsa44.verify(signature, message, publicKey);
}

/** Tell whether octets of the right length are a key that not anybody can sign for: half of t1 is not nearly zero. */
export function isMldsaKey(octets: Uint8Array): boolean {
  let [small, all] = [0, 0];
  for (let at = SEED_OF_MATRIX_OCTETS; at < octets.length; at += GROUP_OCTETS) {
    const group = fromBigEndian(octets.slice(at, at + GROUP_OCTETS).reverse());
    for (let place = 0; place < GROUP; place++, all++) {
      const coefficient = Number((group >> BigInt(10 * place)) & BigInt(LARGEST));
      if (Math.min(coefficient, LARGEST - coefficient) <= SMALL) small++;
    }
  }
  return 2 * small < all;
}

/** Tell whether a time and a signature after it are by this key on a tree. */
export function cosignsTree(key: Verifier, tree: Tree, timed: Uint8Array): boolean {
  const time = timed.subarray(0, INTEGER_OCTETS);
  const signature = timed.subarray(INTEGER_OCTETS);
  const [name, origin] = [utf8(key.name), utf8(tree.origin)];
  if (verify === undefined || signature.length !== SIGNATURE_OCTETS || fromBigEndian(time) >= LIMIT) return false;
  if ([name, origin].some((each) => each.length === 0 || each.length > MLDSA_NAME_OCTETS)) return false;
  const message = joined(
    LABEL, Uint8Array.of(name.length), name, time, Uint8Array.of(origin.length), origin,
    integer(0n), integer(tree.size), tree.root,
  );
  try {
    return verify(signature, message, key.publicKey);
  } catch {
    return false;
  }
}

function integer(value: bigint): Uint8Array {
  const octets = new Uint8Array(INTEGER_OCTETS);
  new DataView(octets.buffer).setBigUint64(0, value);
  return octets;
}
