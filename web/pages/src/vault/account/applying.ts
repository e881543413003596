// What the vault's account applies for (prover/client/applications.py): an event that is stored before it is sent.

import { create, toBinary } from "@bufbuild/protobuf";

import { digest, encode, type Item } from "../../../../prover/src/disclosure/canonical.js";
import { departmentName, SchemaName } from "../../../../prover/src/disclosure/names.js";
import type { Schema } from "../../../../prover/src/disclosure/schema.js";
import { ApplyRequestSchema } from "../../../gen/zkproto/v1/application_pb.js";
import { VaultError } from "../fault.js";
import type { DepartmentView, ItemView, Written } from "../model.js";
import type { Opened } from "../parts.js";
import { catalog } from "../reading/clients.js";
import { textOf } from "../reading/messages.js";
import { beginEvent, type Event } from "../showing/events.js";
import { valueMessage } from "../showing/presented.js";
import { plain } from "../telling/saying.js";
import type { Account } from "./records.js";
import { fieldsOf, statedItems, statedOf } from "./stating.js";
import { numberOf, subjectOf } from "./subjects.js";

const APPLY = "/zkproto.v1.ApplicationService/Apply";
const LABEL = "zk-disclosure/applied/v1";
const NONCE_OCTETS = 16;
const MAX_GROUNDS = 2000;
const MAX_TITLE = 60;
const PAGE = 500;

/** What an application's receipt is about (disclosure/application.py). */
export function appliedDigest(schema: string, company: string, grounds: string, values: Item[], nonce: Uint8Array): Uint8Array {
  return digest(LABEL, encode(LABEL, schema, company, grounds, values, nonce));
}

/** Grounds as they are sent; VaultError GROUNDS_MALFORMED. */
export function groundsOf(written: string): string {
  const grounds = written.trim();
  const length = [...grounds].length;
  if (length === 0 || length > MAX_GROUNDS) throw new VaultError("GROUNDS_MALFORMED", "grounds have 1 to 2,000 characters");
  return grounds;
}

/** The departments, as the service names them. */
export async function departments(): Promise<readonly DepartmentView[]> {
  const { departments: found } = await catalog.listDepartments({ pageSize: PAGE });
  return found.map(({ name, displayName }) => ({ department: departmentName(name), name: plain(textOf(displayName)) }));
}

/** The newest version of each of a department's items, called as the ledger has it. */
export async function items({ reader }: Opened, department: string): Promise<readonly ItemView[]> {
  const { schemas } = await catalog.listSchemas({ parent: departmentName(department), pageSize: PAGE });
  const newest = new Map<string, SchemaName>();
  for (const each of schemas) {
    const name = SchemaName.parse(each.name, "name");
    if (`departments/${name.department}` !== department) throw new VaultError("ANSWER_INVALID", "a schema of another department");
    if ((newest.get(name.item)?.version ?? 0) < name.version) newest.set(name.item, name);
  }
  return Promise.all([...newest.values()].map(async (name) => itemOf(await reader.schema(name))));
}

const itemOf = (schema: Schema): ItemView =>
  ({ schema: schema.name.text, title: plain(schema.displayName), fields: fieldsOf(schema) });

/** What is applied for, as it was written: for the account's owner or, as its agent, for a company ("" for none). */
interface Applying {
  readonly schema: string;
  readonly grounds: string;
  readonly written: Written;
  readonly company: string;
}

/**
 * Store an application before it is sent. VaultError GROUNDS_MALFORMED, VALUE_MALFORMED, NUMBER_MALFORMED; MalformedError; what
 * the reader throws.
 */
export async function applied({ reader, store, now }: Opened, account: Account, asked: Applying): Promise<Event> {
  const why = groundsOf(asked.grounds);
  const behalf = asked.company.trim() === "" ? "" : numberOf(asked.company);
  const found = await reader.schema(SchemaName.parse(asked.schema, "schema"));
  const { name, displayName } = found;
  const stated = statedOf(found, asked.written);
  const values = found.attributes.filter(({ id }) => stated.has(id)).map((each) => valueMessage(each, stated.get(each.id)));
  const party = `departments/${name.department}`;
  const called = await reader.departmentName(party);
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_OCTETS));
  const title = { zh: `申请${cut(displayName.zh)}`, en: `Applied for ${cut(displayName.en)}` };
  const matter = appliedDigest(name.text, behalf, why, statedItems(stated), nonce);
  const note = { kind: "applied", party, title, digest: matter, time: Math.floor(now() * 1000), detail: "" } as const;
  return store.change((draft) => beginEvent(store, draft, { note, called, server: account.server }, (requestId, holderNote) => {
    const message = create(ApplyRequestSchema, {
      schema: name.text, applicant: subjectOf(account), grounds: why, values, nonce, requestId, holderNote,
      ...(behalf === "" ? {} : { onBehalf: subjectOf({ kind: "company", number: behalf }) }),
    });
    return { method: APPLY, message: toBinary(ApplyRequestSchema, message), session: account.name };
  }));
}

const cut = (text: string): string => [...text].slice(0, MAX_TITLE).join("");
