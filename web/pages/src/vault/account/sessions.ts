// Sessions of the vault's account, opened by its key (prover/client/sessions.py). Only in them does the service learn whose a
// call is: what is presented goes without one.

import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";

import { refusal, VaultError } from "../fault.js";
import type { Opened } from "../parts.js";
import { sessions } from "../reading/clients.js";
import { type Headers, OF_SESSIONS } from "../showing/sending.js";
import { NONCE_OCTETS, sessionSignature } from "./keys.js";
import { type Account, accountsIn } from "./records.js";

/** A token that ends within so long is asked for anew. */
const SPARE_MS = 60_000;

interface Token {
  readonly token: string;
  readonly ends: number;
}

/** Tokens stay in the worker's memory, and end with it. */
export class Sessions {
  readonly #tokens = new Map<string, Token>();

  constructor(private readonly opened: Opened) {}

  async #open(party: string): Promise<string> {
    const known = this.#tokens.get(party);
    if (known !== undefined && known.ends - SPARE_MS > this.#now()) return known.token;
    const account = (await this.opened.store.read(accountsIn)).find(({ name }) => name === party);
    if (account === undefined) throw new VaultError("ACCOUNT_NOT_FOUND", "the vault has no such account");
    const made = await this.#opened(account);
    this.#tokens.set(party, made);
    return made.token;
  }

  /** Call in an account's session, once more in a new one where the service does not take that any more. VaultError
   * ACCOUNT_NOT_FOUND; ConnectError. */
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

  async #opened({ name: party, seed }: Account): Promise<Token> {
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
