// The vault as the page's screens have it: each method is a message to the worker, and its answer. The vault's secrets
// are in the worker alone, and end with it.

import workerAddress from "./worker.ts?worker&url";

import { trusted } from "../ui/trusted.js";
import { type Answer, type Call, METHODS, type Method } from "./calls.js";
import type { Fault, Vault } from "./model.js";

interface Waiting {
  readonly kept: (value: unknown) => void;
  readonly broken: (fault: Fault) => void;
}

const ENDED: Fault = { reason: "WORKER_ENDED", detail: "the vault was closed meanwhile", passing: true };
const FAILED: Fault = { reason: "WORKER_FAILED", detail: "the vault's worker did not go on", passing: true };

/** A worker for as long as one lives: locking ends it, and the next call begins another, which knows no secret. */
class Line {
  #worker: Worker | null = null;
  #last = 0;
  readonly #waiting = new Map<number, Waiting>();

  async call(method: Method, given: readonly unknown[]): Promise<unknown> {
    // At once, whatever the worker does: what was agreed to is stored before it goes out, and gone on with.
    if (method === "lock") return this.#end(ENDED);
    return this.#asked(method, given);
  }

  #asked(method: Method, given: readonly unknown[]): Promise<unknown> {
    const worker = (this.#worker ??= this.#begun());
    return new Promise((kept, broken) => {
      const id = ++this.#last;
      this.#waiting.set(id, { kept, broken });
      worker.postMessage({ id, method, given } satisfies Call);
    });
  }

  #begun(): Worker {
    const worker = new Worker(trusted(workerAddress), { type: "module", name: "vault" });
    worker.onmessage = ({ data }: MessageEvent<Answer>) => this.#told(data);
    worker.onerror = () => this.#end(FAILED);
    worker.onmessageerror = () => this.#end(FAILED);
    return worker;
  }

  #told(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ("fault" in answer) waiting?.broken(answer.fault);
    else waiting?.kept(answer.value);
  }

  #end(fault: Fault): void {
    this.#worker?.terminate();
    this.#worker = null;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const each of waiting) each.broken(fault);
  }
}

/** The vault of this page. Every promise that is broken is broken with a Fault. */
export function openedVault(): Vault {
  const line = new Line();
  const made = METHODS.map((method) => [method, (...given: readonly unknown[]) => line.call(method, given)] as const);
  return Object.fromEntries(made) as unknown as Vault;
}
