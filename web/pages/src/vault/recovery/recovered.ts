// A vault's recovery secret, shown as words and taken from them; with what it takes, loaded when it is first wanted.

import type { Verifier } from "../../ledger/keys.js";
import { SealedStore } from "../store/store.js";
import { trustRecord } from "../trusting.js";
import { beginning } from "./records.js";
import { dataKeyOf, wordsOf } from "./words.js";

/** The words of an opened vault, to whoever gives its passphrase again. StoreError PASSPHRASE_WRONG. */
export async function wordsFor(store: SealedStore, passphrase: string, language: "zh" | "en"): Promise<readonly string[]> {
  const dataKey = await store.recoverySecret(passphrase);
  try {
    return wordsOf(dataKey, language);
  } finally {
    dataKey.fill(0);
  }
}

/** Make a vault anew from its words, with its ledger still to be read. StoreError WORDS_INVALID, and as `SealedStore.create`. */
export async function recovered(name: string, words: string, passphrase: string, log: Verifier): Promise<SealedStore> {
  const dataKey = dataKeyOf(words);
  try {
    return await SealedStore.create(name, passphrase, [trustRecord(log), beginning(log)], dataKey);
  } finally {
    dataKey.fill(0);
  }
}
