// The worker in which an opened vault lives. It is told by its own page alone, one message a call, and answers each.

import { type Answer, type Call, isMethod } from "./calls.js";
import { Engine } from "./engine.js";
import { faultOf, VaultError } from "./fault.js";
import type { Vault } from "./model.js";

const vault: Vault = new Engine();

self.onmessage = ({ data }: MessageEvent<Call>) => void answered(data).then((answer) => self.postMessage(answer));

async function answered({ id, method, given }: Call): Promise<Answer> {
  try {
    if (!isMethod(method)) throw new VaultError("METHOD_UNKNOWN", "the vault has no such method");
    const called = vault[method] as (...given: unknown[]) => Promise<unknown>;
    return { id, value: await called.apply(vault, [...given]) };
  } catch (error) {
    return { id, fault: faultOf(error) };
  }
}
