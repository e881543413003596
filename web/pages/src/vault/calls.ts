// What passes between the page and its worker. The page calls by name, from a fixed list; nothing else exists.

import type { Fault, Vault } from "./model.js";

export type Method = keyof Vault;

/** All methods of the vault: the type is what keeps the list whole. */
const LISTED: Readonly<Record<Method, true>> = {
  state: true, create: true, unlock: true, lock: true, logKey: true, trust: true, changePassphrase: true,
  words: true, recover: true, reading: true, readLedger: true,
  overview: true, credential: true, removeCredential: true, settle: true,
  open: true, choose: true, agree: true, decline: true, claim: true, offerAgain: true, grant: true, register: true,
  uses: true, use: true, receipt: true,
  bundles: true, errands: true, errand: true, beginErrand: true, followErrand: true, leaveErrand: true,
  askedErrand: true, chooseErrand: true, submitErrand: true, declineErrand: true, retryErrand: true,
  regulators: true, trustedRegulators: true, trustRegulator: true, distrustRegulator: true,
  standing: true, recoverStanding: true, withdraw: true, attend: true, inbox: true, applications: true,
  departments: true, items: true, apply: true, cancelApplication: true,
  agents: true, appoint: true, endAppointment: true,
  backup: true, restore: true,
};
export const METHODS = Object.keys(LISTED) as readonly Method[];

/** One call of the page. */
export interface Call {
  readonly id: number;
  readonly method: Method;
  readonly given: readonly unknown[];
}

/** What the worker answers: a value, or what went wrong. */
export type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly fault: Fault };

/** Whether a message names a method of the vault. */
export function isMethod(name: unknown): name is Method {
  return typeof name === "string" && Object.hasOwn(LISTED, name);
}
