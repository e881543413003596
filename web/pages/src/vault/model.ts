// What the vault's screens know of the vault: plain data, and what can be asked of it. The vault itself lives in a worker
// (worker.ts), where its secrets stay; all of this crosses by structured clone, so there is no class and no function in it.

import type { BundleView, ErrandCalls } from "./errands/model.js";
import type { RegulatorCalls } from "./regulators/model.js";

/** A text in each of the pages' languages. */
export interface Text {
  readonly zh: string;
  readonly en: string;
}

/** What goes wrong, with the stable reason that it has in every language, and what may be said to a person of it. */
export interface Fault {
  readonly reason: string;
  readonly detail: string;
  /** Whether the same may be tried again as it is: the service was not reached. */
  readonly passing: boolean;
}

export type State = "none" | "locked" | "open";

export interface CredentialView {
  readonly id: string;
  readonly form: "plain" | "composite";
  /** "departments/..." and its name for people. */
  readonly department: string;
  readonly departmentName: Text;
  readonly title: Text;
  readonly attributes: readonly { readonly name: Text; readonly value: Text | null }[];
  /** The last day, "2027-01-31", and whether it has passed. */
  readonly lastDay: string;
  readonly expired: boolean;
  readonly revoked: boolean;
  readonly received: number;
  /** Which child it is about, for whoever holds it as a guardian; null where it is about the holder. */
  readonly child: ChildView | null;
}

/** A child that credentials are about: the same in all of them, as long as the vault is open; the name where one says it. */
export interface ChildView {
  readonly id: string;
  readonly name: string | null;
}

/** Who asks, and what is known of them. */
export interface AskerView {
  readonly verifier: string;
  readonly name: Text;
  readonly purpose: Text;
  readonly legalBasis: Text | null;
  readonly retention: Text | null;
  /** What this vault knows of it from before, a sentence. */
  readonly before: Text;
  /** What else is to be known: what of all this is signed, and the policy it asks by. Sentences. */
  readonly facts?: readonly Text[];
}

/** One sentence of a consent; a `fact` is of the answer as a whole: what is inferred from it, what is not proven. */
export interface Line {
  readonly kind: "shown" | "escrowed" | "proven" | "linked" | "hidden" | "fact";
  readonly text: Text;
  /** The value that is shown, where one is. */
  readonly value: Text | null;
}

export interface ShownCredential {
  readonly title: Text;
  readonly departmentName: Text;
  /** What the person may choose among; the first is what stands in `lines`. */
  readonly choices: readonly { readonly credential: string; readonly label: Text }[];
  readonly query: string;
  readonly lines: readonly Line[];
}

/** A way to answer a request: most have one. */
export interface WayView {
  readonly branch: string;
  readonly label: Text;
  readonly credentials: readonly ShownCredential[];
  /** What concerns no single credential: sums, pseudonyms, what the verifier may infer. */
  readonly lines: readonly Line[];
  /** What is missing for it, sentences; empty if it can be answered. */
  readonly missing: readonly Text[];
}

export interface RequestView {
  readonly kind: "request";
  /** What `agree` and `decline` name it by, until the worker ends. */
  readonly id: string;
  readonly asker: AskerView;
  readonly ways: readonly WayView[];
  /** Until when it can be answered, milliseconds. */
  readonly ends: number;
  /** Why it is not to be answered at all: asks more than its policy allows; then nothing can be agreed to. */
  readonly refused: Fault | null;
}

export interface OfferView {
  readonly kind: "offer";
  readonly id: string;
  readonly department: string;
  readonly departmentName: Text;
  readonly title: Text;
  /** What the department is shown first; null where it has identified the person itself. */
  readonly shows: WayView | null;
}

/** How often something may be asked again: so many times, so many days apart at least, until this day ("2027-01-31"). */
export interface LimitsView {
  readonly times: number;
  readonly intervalDays: number;
  readonly until: string;
}

/** The terms on which somebody wants to ask the same again without asking the person. */
export interface ConsentView {
  readonly kind: "consent";
  /** What `grant` and `decline` name it by, until the worker ends. */
  readonly id: string;
  readonly asker: AskerView;
  /** What one answer would show as of today, or what is missing for it. */
  readonly way: WayView;
  readonly limits: LimitsView;
  /** Until when it can be granted, milliseconds. */
  readonly ends: number;
}

/** Whom a department has identified: a person by the number of the ID document, a company by its unified code. */
export type SubjectKind = "person" | "company";

export interface AccountView {
  readonly kind: "account";
  readonly id: string;
  readonly departmentName: Text;
}

/** The exchange takes the code that stands on the verifier's screen: `open` is called again with it. */
export interface PairingView {
  readonly kind: "pairing";
}

export type Opened = RequestView | OfferView | ConsentView | AccountView | PairingView | BundleView;

export interface Choice {
  readonly branch: string;
  /** Credentials by query, where the person chose another than the first. */
  readonly chosen: Readonly<Record<string, string>>;
}

/**
 * `recorded` is what the account did: registered, applied, appointed; `claimed` what a department was shown before it issued; those
 * of consents what became of standing ones. `found` was read back from the ledger, `copy` has a copy of an earlier entry's note
 * beside it: it is nothing that this vault did.
 */
export type UseState =
  | "sending" | "done" | "refused" | "declined" | "over-asked" | "recorded" | "claimed" | "found" | "copy"
  | "consent-granted" | "consent-declined" | "consent-withdrawn";
/** `found`: there is no receipt, and the entry stands on the ledger as its log has signed it. */
export type ReceiptState = "none" | "pending" | "anchored" | "wrong" | "found";

export interface UseView {
  readonly id: string;
  readonly time: number;
  readonly state: UseState;
  readonly verifier: string;
  readonly verifierName: Text;
  readonly purpose: Text;
  readonly lines: readonly Line[];
  /** Whether it was answered under a standing consent, without asking the person. */
  readonly standing: boolean;
  readonly receipt: ReceiptState;
  /** The entry's index in the ledger, as text; null without a receipt. */
  readonly entry: string | null;
  readonly fault: Fault | null;
}

export interface StandingView {
  readonly id: string;
  readonly verifier: string;
  readonly verifierName: Text;
  readonly purpose: Text;
  readonly limits: LimitsView;
  /** `recovered`: it came with a file of before, or from the ledger, and nothing is answered under it. */
  readonly state: "granted" | "withdrawn" | "ended" | "recovered";
  /** How often it was answered under. */
  readonly used: number;
  /** Whether the service is still to be told that it was granted, or withdrawn. */
  readonly granting: boolean;
  readonly withdrawing: boolean;
}

/** Consents that the ledger gave back. */
export interface RecoveredView {
  /** How many are listed now that were not before. */
  readonly found: number;
  /** Why one of them is not; null if all are. */
  readonly fault: Fault | null;
}

/** What became of a request under a standing consent. */
export interface AttendedView {
  readonly consent: string;
  readonly verifierName: Text;
  readonly purpose: Text;
  /** The use by which it was answered; null if nothing was stored. */
  readonly use: string | null;
  /** Whether the service has it, with a receipt that holds; else it is stored, and `settle` sends it unless it was refused. */
  readonly sent: boolean;
  readonly fault: Fault | null;
}

export interface ApplicationView {
  readonly id: string;
  readonly departmentName: Text;
  readonly title: Text;
  readonly state: "open" | "approved" | "refused" | "cancelled";
  /** Why it was refused, in the department's words. */
  readonly reason: Text | null;
  readonly sent: number;
  /** The name of the offer that it has come to, which is in the inbox until it is taken. */
  readonly offer: string | null;
}

/** What an agent may do: an item of the company's, or an errand, by its identifier. */
export interface ScopeView {
  readonly kind: "item" | "errand";
  readonly scope: string;
}

/** An agent that a company has appointed, and how far each element of the scope is. */
export interface AppointmentView {
  readonly id: string;
  /** "accounts/...". */
  readonly agent: string;
  /** The last day, "2027-01-31". */
  readonly until: string;
  /** When it was ended before that, milliseconds. */
  readonly ended: number | null;
  readonly scopes: readonly (ScopeView & { readonly state: ApplicationView["state"] })[];
}

export interface AgentsView {
  /** Whose account the vault has at the service, and whose code bound it; null without one. */
  readonly kind: SubjectKind | null;
  readonly department: string | null;
  /** What a company takes to appoint the vault's owner; null without an identity card. */
  readonly code: string | null;
  readonly appointments: readonly AppointmentView[];
}

export interface Appointing {
  readonly schema: string;
  /** The code that the agent's vault shows. */
  readonly agent: string;
  readonly scopes: readonly ScopeView[];
  readonly until: string;
  readonly grounds: string;
}

/** How far the ledger was read for what this vault has done. */
export interface ReadingView {
  /** Entries that were read, and of how many when it was looked last. */
  readonly read: number;
  readonly size: number;
  /** Whether all of that is what the log has signed. */
  readonly done: boolean;
  /** What was found of this vault's own, of what is verified. */
  readonly found: number;
}

export interface DepartmentView {
  readonly department: string;
  readonly name: Text;
}

/** What an applicant may state of an item beforehand: an attribute of its schema, as a form asks for it. */
export interface FieldView {
  readonly id: string;
  readonly title: Text;
  readonly kind: "text" | "integer" | "date" | "boolean" | "code";
  /** Bounds of numbers, with their unit, and of dates; in English a date is written as a field of a form has it. */
  readonly least: Text | null;
  readonly most: Text | null;
  /** Of texts, in octets. */
  readonly maxLength: number;
  readonly codes: readonly { readonly code: string; readonly title: Text }[];
}

/** What stands in a form's fields, by the names of attributes. What is empty is not stated. */
export type Written = Readonly<Record<string, string>>;

export interface ItemView {
  readonly schema: string;
  readonly title: Text;
  readonly fields: readonly FieldView[];
}

export interface InboxView {
  /** Whether the vault has an account at the service. */
  readonly account: boolean;
  readonly offers: readonly OfferView[];
  /** Why some of what waits cannot be shown. */
  readonly faults: readonly Fault[];
}

export interface Overview {
  readonly credentials: readonly CredentialView[];
  /** How many claims, answers and refusals are still to be sent. */
  readonly unsent: number;
  readonly account: boolean;
  /** When what is published was last read, milliseconds; null before. */
  readonly read: number | null;
}

/** The log's key that this vault believes, and how people compare it. */
export interface TrustView {
  readonly log: string;
  readonly key: string;
  readonly fingerprint: string;
}

/** The vault. Every promise is broken with a Fault. */
export interface Vault extends ErrandCalls, RegulatorCalls {
  state(): Promise<State>;
  /** Make a vault that believes this log's key: the one that was compared, or the server's own, which `logKey` shows. */
  create(passphrase: string, logKey: string): Promise<void>;
  /** Make a vault anew from its 24 words; what it had done is then read from the ledger by `readLedger`. */
  recover(words: string, passphrase: string, logKey: string): Promise<void>;
  unlock(passphrase: string): Promise<void>;
  /** Ends the worker. */
  lock(): Promise<void>;
  /** The log's key as the server says it, before there is a vault. */
  logKey(): Promise<TrustView>;
  trust(): Promise<TrustView>;
  changePassphrase(old: string, chosen: string): Promise<void>;

  /** The recovery secret as 24 words, of the English or the Chinese list. */
  words(passphrase: string, language: "zh" | "en"): Promise<readonly string[]>;
  /** How far the ledger was read; null if it never was. */
  reading(): Promise<ReadingView | null>;
  /** Read the ledger some pages on; called again until it is done. What was read stays read. */
  readLedger(): Promise<ReadingView>;

  overview(): Promise<Overview>;
  credential(id: string): Promise<CredentialView>;
  removeCredential(id: string): Promise<void>;
  /** Send what was not sent, read the newest epochs, check pending receipts. */
  settle(): Promise<Overview>;

  /** What a scanned or pasted link leads to. Nothing is shown to anybody by it. */
  open(link: string, pairingCode?: string): Promise<Opened>;
  /** The choice made: what would be told by it. */
  choose(id: string, choice: Choice): Promise<RequestView>;
  /** Prove and send; what is stored is sent again by `settle` if the line breaks. */
  agree(id: string, choice: Choice): Promise<UseView>;
  decline(id: string): Promise<void>;
  claim(id: string): Promise<CredentialView>;
  /** An offer whose department refused what it was shown, with another credential of the kind; NOTHING_FITS without one. */
  offerAgain(id: string): Promise<OfferView>;
  /** Grant the terms of a standing consent as they were told; what is stored is sent again by `settle` if the line breaks. */
  grant(id: string): Promise<StandingView>;
  /** Bind this vault's account to whoever a department's code was made for, by the owner's number. */
  register(id: string, kind: SubjectKind, number: string): Promise<void>;

  uses(): Promise<readonly UseView[]>;
  /** One use, its receipt checked anew. */
  use(id: string): Promise<UseView>;
  /** The receipt's octets, for a file. */
  receipt(id: string): Promise<Uint8Array>;

  standing(): Promise<readonly StandingView[]>;
  /** Read the terms of those that the ledger gave back, so that they are listed and can be withdrawn. */
  recoverStanding(): Promise<RecoveredView>;
  /** Answer nothing under it any more, from now on. */
  withdraw(id: string): Promise<StandingView>;
  /** Answer what waits under standing consents and is within them, without asking; refuse and write down what is beyond. */
  attend(): Promise<readonly AttendedView[]>;
  /** What waits for the account; `claim` takes an offer. */
  inbox(): Promise<InboxView>;
  applications(): Promise<readonly ApplicationView[]>;
  departments(): Promise<readonly DepartmentView[]>;
  /** What a department has that can be applied for. */
  items(department: string): Promise<readonly ItemView[]>;
  /** Whether it was sent; else it is stored, and `settle` sends it. `company` is the number of whom an agent acts for. */
  apply(schema: string, grounds: string, written?: Written, company?: string): Promise<boolean>;
  cancelApplication(id: string): Promise<void>;
  agents(): Promise<AgentsView>;
  /** Whether it was sent, as with `apply`; the same of its end. */
  appoint(asked: Appointing): Promise<boolean>;
  endAppointment(id: string): Promise<boolean>;

  backup(): Promise<Uint8Array>;
  restore(file: Uint8Array, passphrase: string): Promise<void>;
}
