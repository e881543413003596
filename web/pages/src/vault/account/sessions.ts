// Sessions of what the vault has keys for: its account, and each standing consent (prover/client/sessions.py). Only in them does
// the service learn whose a call is: what is presented goes without one.

import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";

import { refusal, VaultError } from "../fault.js";
import type { Opened } from "../parts.js";
import { sessions } from "../reading/clients.js";
import { type Headers, OF_SESSIONS, WRONG_KEY } from "../showing/sending.js";
import { NONCE_OCTETS, sessionSignature } from "./keys.js";
import { accountsIn } from "./records.js";

/** A token that ends within so long is asked for anew. */
const SPARE_MS = 60_000;

interface Token {
  readonly token: string;
  readonly ends: number;
}

/**
 * The seeds of the keys that may sign for a party, by its resource name: one where it is known, else several, which are tried in
 * their order.
 */
export type Seeds = (party: string) => AsyncIterable<Uint8Array>;

/** The seed of an account's key; VaultError ACCOUNT_NOT_FOUND. */
export async function* accountSeeds({ store }: Opened, party: string): AsyncGenerator<Uint8Array> {
  const account = (await store.read(accountsIn)).find(({ name }) => name === party);
  if (account === undefined) throw new VaultError("ACCOUNT_NOT_FOUND", "the vault has no such account");
  yield account.seed;
}

/** Tokens stay in the worker's memory, and end with it. */
export class Sessions {
  readonly #tokens = new Map<string, Token>();

  constructor(private readonly opened: Opened, private readonly seeds: Seeds) {}

  async #open(party: string): Promise<string> {
    const known = this.#tokens.get(party);
    if (known !== undefined && known.ends - SPARE_MS > this.#now()) return known.token;
    const made = await this.#byAny(party);
    this.#tokens.set(party, made);
    return made.token;
  }

  /** Call in a party's session, once more in a new one where the service does not take that any more. What the party's seeds
   * throw; ConnectError. */
  readonly call = async <Answer>(party: string, call: (headers: Headers) => Promise<Answer>): Promise<Answer> => {
    const before = this.#tokens.get(party);
    try {
      return await call(bearer(await this.#open(party)));
    } catch (error) {
      const isOld = before !== undefined && this.#tokens.get(party) === before;
      if (!isOld || !OF_SESSIONS.has(refusal(error) ?? "")) throw error;
      this.forget(party);
      return call(bearer(await this.#open(party)));
    }
  };

  /** Open a new session the next time: the account has another key. */
  forget(party: string): void {
    this.#tokens.delete(party);
  }

  async #byAny(party: string): Promise<Token> {
    let refused: unknown = new VaultError("KEY_NOT_FOUND", "the vault has no key of this party");
    for await (const seed of this.seeds(party)) {
      try {
        return await this.#opened(party, seed);
      } catch (error) {
        if (refusal(error) !== WRONG_KEY) throw error;
        refused = error;
      }
    }
    throw refused;
  }

  async #opened(party: string, seed: Uint8Array): Promise<Token> {
    const { nonce } = await sessions.getChallenge({});
    if (nonce.length !== NONCE_OCTETS) throw new VaultError("ANSWER_INVALID", "the service's challenge has another length");
    const time = this.#now();
    const signature = sessionSignature(party, this.opened.log, time, nonce, seed);
    const { token, expireTime } = await sessions.openSession({ party, time: timestampFromMs(time), nonce, signature });
    if (token === "" || expireTime === undefined) throw new VaultError("ANSWER_INVALID", "the service answered without a token");
    return { token, ends: timestampMs(expireTime) };
  }

  #now(): number {
    return Math.floor(this.opened.now() * 1000);
  }
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
