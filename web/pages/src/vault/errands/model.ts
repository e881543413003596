// What the screens know of errands, and what they ask of the vault about them: plain data, as all of ../model.ts.

import type { AskerView, Choice, Text, UseView, WayView } from "../model.js";
import type { FieldType } from "./bundle.js";
import type { Stage } from "./records.js";
import type { ErrandState, PartState } from "./view.js";

/** One thing that a counter wants to be told in words. */
export interface FieldView {
  readonly id: string;
  readonly name: Text;
  readonly type: FieldType;
  readonly optional: boolean;
  /** Of a text, how many octets at most. */
  readonly maxLength: number;
}

export interface CounterView {
  readonly part: string;
  readonly name: Text;
  readonly verifier: string;
  readonly policy: string;
  readonly fields: readonly FieldView[];
  /** What has to be done before, by the counters' names. */
  readonly after: readonly Text[];
  /** How many days it has from the submission; 0 for no promise. */
  readonly days: number;
}

/** An errand that can be begun. One that was listed only is the service's word; one that was opened stands on the ledger. */
export interface BundleView {
  readonly kind: "bundle";
  /** "errandBundles/newborn@1". */
  readonly bundle: string;
  readonly title: Text;
  readonly about: Text;
  readonly counters: readonly CounterView[];
}

/** What a counter has told of its part. */
export interface ToldView {
  readonly time: number;
  readonly stands: Text;
  readonly message: Text | null;
  readonly document: string;
  /** The link of an offered credential, for `open`; null for none. */
  readonly offer: string | null;
}

export interface PartView {
  readonly part: string;
  readonly name: Text;
  readonly state: PartState;
  /** The state in words. */
  readonly stands: Text;
  readonly after: readonly Text[];
  readonly days: number;
  /** Oldest first. */
  readonly told: readonly ToldView[];
  /** What was submitted of it, the newest first, each with its receipt. */
  readonly uses: readonly UseView[];
}

/** An errand of this vault's, as it is known now. */
export interface ErrandView {
  readonly id: string;
  readonly bundle: string;
  readonly title: Text;
  readonly about: Text;
  readonly begun: number;
  readonly stage: Stage;
  readonly stands: Text;
  /** As the service told it last; null before it has told anything. */
  readonly state: ErrandState | null;
  /** Until when it has to be submitted, milliseconds; null before the service has told it, and once it was submitted. */
  readonly ends: number | null;
  /** Whether there is something to agree to, and nobody else is waited for. */
  readonly asked: boolean;
  /** Whether something of it is stored and not sent yet. */
  readonly sending: boolean;
  readonly over: boolean;
  readonly parts: readonly PartView[];
  /** Two views with the same mark tell the same. */
  readonly mark: string;
}

/** What a person has chosen and typed for one part. */
export interface PartAnswer {
  readonly choice: Choice;
  /** As it was typed, by the fields' identifiers; what is empty is left out. */
  readonly declared: Readonly<Record<string, string>>;
}

/** By the parts' identifiers. */
export type ErrandAnswers = Readonly<Record<string, PartAnswer>>;

export interface DeclaredView {
  readonly name: Text;
  readonly value: Text;
}

export interface AskedPartView {
  readonly part: string;
  /** "Part 1 of 3: ...". */
  readonly heading: Text;
  readonly asker: AskerView;
  /** Until when its request can be answered, milliseconds. */
  readonly ends: number;
  readonly ways: readonly WayView[];
  readonly answer: PartAnswer;
  readonly fields: readonly FieldView[];
  /** What is declared, as the counter reads it; `values` is null while it is not filled in. null where it wants no form. */
  readonly declares: { readonly heading: Text; readonly values: readonly DeclaredView[] | null } | null;
}

/** All that is asked for an errand at once: there is one consent to it. */
export interface ErrandAskView {
  /** Of this one opening: what is agreed to by it is what it tells, whatever is asked since. */
  readonly id: string;
  readonly heading: Text;
  readonly about: Text;
  readonly until: Text;
  /** Until when all of it can be answered, milliseconds. */
  readonly ends: number;
  /** Whether a no ends the errand: nothing of it was submitted before. */
  readonly mayEnd: boolean;
  readonly parts: readonly AskedPartView[];
  /** What more than one counter would see; null while a form is not filled in, or something is missing. */
  readonly shared: { readonly heading: Text; readonly lines: readonly Text[] } | null;
}

/** Errands, as part of the vault. */
export interface ErrandCalls {
  /** What the service lists; nothing of it is checked before it is opened. */
  bundles(): Promise<readonly BundleView[]>;
  /** This vault's errands, the newest first, as they were told last; nobody is asked. */
  errands(): Promise<readonly ErrandView[]>;
  /** One of them; nobody is asked. */
  errand(id: string): Promise<ErrandView>;
  /** Begin an errand of a bundle; one that was begun and never answered is gone on with. */
  beginErrand(bundle: string): Promise<ErrandView>;
  /** An errand once it is another than the view with this mark tells, or as it is where nothing comes any more. */
  followErrand(id: string, mark: string): Promise<ErrandView>;
  /** Follow no errand any more. */
  leaveErrand(): Promise<void>;
  /** What its counters ask for now, each request checked and planned by itself. */
  askedErrand(id: string): Promise<ErrandAskView>;
  /** What was opened, with choices made and forms filled in; FORM_INCOMPLETE where one is not, or not as it has to be. */
  chooseErrand(id: string, answers: ErrandAnswers): Promise<ErrandAskView>;
  /** Prove and submit all of what was opened at once; what is stored is sent again if the line breaks. */
  submitErrand(id: string, answers: ErrandAnswers): Promise<ErrandView>;
  /** Say no to what was opened, or to an errand, which gives one up that was not submitted. */
  declineErrand(id: string): Promise<ErrandView>;
  /** Open a part again that its counter has rejected. */
  retryErrand(id: string, part: string): Promise<ErrandView>;
}
