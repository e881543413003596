// What the resource centre's page reads from the process that stands behind it. The regulator's token is there and
// never here. All of it is what the service tells: names and texts are others' and stay text.
import { send } from "../ui/edge.js";

export interface Both {
  readonly zh: string;
  readonly en: string;
}

export interface Named extends Both {
  readonly name: string;
}

export interface Department extends Named {
  readonly identifies: readonly string[];
  readonly since: string;
}

export interface Item extends Named {
  readonly department: string;
  readonly sensitivity: string;
  readonly subject: string;
  readonly refresh: string;
  readonly refresh_days: number;
  readonly validity_days: number;
  readonly applicable: boolean;
  readonly source: Both;
  readonly purposes: readonly string[];
  readonly state: string;
  readonly successor: string;
  readonly schema: string;
  readonly since: string;
}

export interface Purpose extends Named {
  readonly legal_basis: Both;
}

export interface Verifier extends Named {
  readonly since: string;
}

export interface Policy {
  readonly name: string;
  readonly verifier: string;
  readonly purpose: string;
  readonly text: Both;
  readonly legal_basis: Both;
  readonly retention_days: number;
  readonly items: readonly { readonly item: string; readonly shown: readonly string[]; readonly proven: readonly string[] }[];
  readonly scopes: readonly string[];
  readonly escrows: number;
  readonly standing: { readonly times: number; readonly days: number } | null;
  /** In which state receipts are demanded; empty where the policy says nothing of it. */
  readonly receipt: string;
  readonly state: string;
  readonly since: string;
}

/** How often something happened, told apart by one thing; `of` is empty for what none of them did. */
export interface Sum {
  readonly kind: string;
  readonly of: string;
  readonly count: number;
}

export interface Revocations extends Named {
  readonly lists: readonly {
    readonly name: string;
    readonly since: string;
    readonly epoch: number;
    readonly revoked: number;
  }[];
}

/** A month as everybody may know it: no count below `least`, all of them rounded down to its multiples. */
export interface Published extends Page<Sum> {
  readonly least: number;
}

/** Applications for an item that waited, and for how many days the oldest did. */
export interface Waiting {
  readonly item: string;
  readonly count: number;
  readonly oldest_days: number;
}

/** How applications to a department ended on a day. */
export interface Decided {
  readonly day: string;
  readonly department: string;
  readonly approved: number;
  readonly refused: number;
  readonly cancelled: number;
}

/** Applications in steps, as `Published`: what waited at the end of a day, what was decided on others. */
export interface Queue {
  readonly rows: readonly Waiting[];
  readonly decided: readonly Decided[];
  readonly until: string;
  readonly least: number;
}

/** How far a push of records is, in steps. */
export interface Push {
  readonly id: string;
  readonly schema: string;
  readonly state: string;
  readonly day: string;
  readonly issued: number;
  readonly unchanged: number;
  readonly replaced: number;
  readonly renewed: number;
  readonly rejected: number;
  readonly withdrawn: number;
}

export interface Pushes extends Page<Push> {
  readonly least: number;
}

export interface Listings {
  readonly departments: Department;
  readonly items: Item;
  readonly purposes: Purpose;
  readonly verifiers: Verifier;
  readonly policies: Policy;
  readonly revocations: Revocations;
  readonly statistics: Sum;
}

export type Listing = keyof Listings;
export type Asked = Readonly<Record<string, string>>;

export interface Page<Row> {
  readonly rows: readonly Row[];
  /** Of the next page; empty after the last. */
  readonly next: string;
}

export const PART = "centre";

/** Read what a listing tells; EdgeError for what is refused. */
export async function read<Told>(listing: string, asked: Asked): Promise<Told> {
  const given = Object.entries(asked).filter(([, value]) => value !== "");
  const query = new URLSearchParams(given).toString();
  return (await send(PART, "GET", `books/${listing}${query && `?${query}`}`)).json() as Promise<Told>;
}
