// The vault's recovery secret as words (prover/recovery.py): a person writes them down, and another browser, or Python's vault,
// has the vault's keys. They are the data key itself, 32 octets, as 24 words of a BIP-39 list with its checksum. The lists are
// large: this is loaded when it is first wanted.

import { entropyToMnemonic, mnemonicToEntropy } from "@scure/bip39";
import { wordlist as english } from "@scure/bip39/wordlists/english.js";
import { wordlist as chinese } from "@scure/bip39/wordlists/simplified-chinese.js";

import { StoreError } from "../store/errors.js";
import { KEY_OCTETS, type Octets } from "../store/passphrase.js";

const WORDS = 24;
const LISTS = { en: english, zh: chinese } as const;
const HAN = /^\p{Script=Han}+$/u;

/** The 24 words of a data key, of the English or the Chinese list. */
export const wordsOf = (dataKey: Uint8Array, language: keyof typeof LISTS): readonly string[] =>
  entropyToMnemonic(dataKey, LISTS[language]).split(" ");

/**
 * The data key that words of either list stand for, however they are spaced. StoreError WORDS_INVALID: what is wrong with them
 * is not said, since it would help who guesses, and the words stay out of every text.
 */
export function dataKeyOf(typed: string): Octets {
  const parts = typed.toLowerCase().split(/\s+/u).filter((each) => each !== "");
  // Each word of the Chinese list is one sign, and many people write no spaces between signs.
  const given = parts.flatMap((each) => (HAN.test(each) ? [...each] : [each]));
  for (const list of Object.values(LISTS)) {
    const octets = given.length === WORDS ? entropyOf(given.join(" "), list) : null;
    if (octets?.length === KEY_OCTETS) return octets;
  }
  throw new StoreError("WORDS_INVALID", "these are not the words of a recovery secret");
}

function entropyOf(words: string, list: string[]): Octets | null {
  try {
    return new Uint8Array(mnemonicToEntropy(words, list));
  } catch {
    return null;
  }
}
