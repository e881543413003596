// What the screens know of regulators, and what they ask of the vault about them: plain data, as all of ../model.ts.

import type { Text } from "../model.js";

/** Whoever may open identities that were escrowed to it: two officers together. */
export interface RegulatorView {
  /** "regulators/...". */
  readonly regulator: string;
  readonly name: Text;
  /** Of its key, 64 hexadecimal digits: what people compare, and what it is named by here. */
  readonly digest: string;
  readonly trusted: boolean;
  /** Whether it stands on the ledger; null if the service was not reached to ask. */
  readonly published: boolean | null;
}

/** Trusting regulators, as part of the vault. */
export interface RegulatorCalls {
  /** Those that this vault trusts; nobody is asked, so that trust can be ended whatever the service says. */
  trustedRegulators(): Promise<readonly RegulatorView[]>;
  /** Those that are published, each on the ledger, and those that this vault trusts. */
  regulators(): Promise<readonly RegulatorView[]>;
  /** Let identities be escrowed to a regulator's key. */
  trustRegulator(digest: string): Promise<void>;
  /** Trust it no more; what was escrowed to it stays escrowed. */
  distrustRegulator(digest: string): Promise<void>;
}
