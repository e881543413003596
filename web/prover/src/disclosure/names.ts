// Names of resources and the identifiers that they are made of: disclosure/names.py. A name that exists is valid.
// Names are compared and looked up by their `text`.

import { MalformedError } from "./errors.js";

const ID = /^[a-z][a-z0-9-]{0,62}$/;
const ITEM = /^[a-z][a-z0-9_]{0,62}$/;
const VERSION = /^[1-9][0-9]{0,5}$/;
const KEY = /^[0-9a-f]{32}$/;

/** An identifier of lower-case letters, digits and dashes; MalformedError NAME_INVALID. */
export function checkId(value: string, what: string, field = ""): string {
  if (!ID.test(value)) throw invalid(`${what} is a-z, 0-9 and -, 1 to 63 characters`, field);
  return value;
}

/** An identifier of lower-case letters, digits and underscores; MalformedError NAME_INVALID. */
export function checkAttributeId(value: string, field = ""): string {
  if (!ITEM.test(value)) {
    throw invalid("the identifier of an attribute, item or query is a-z, 0-9 and _, 1 to 63 characters", field);
  }
  return value;
}

/** `departments/{department}/schemas/{item}@{version}`. */
export class SchemaName {
  private constructor(readonly text: string, readonly department: string, readonly item: string, readonly version: number) {}

  static parse(text: string, field = ""): SchemaName {
    const [department, schema] = parts(text, ["departments", "schemas"], field);
    const [item, version] = versioned(schema as string);
    if (!ITEM.test(item) || !VERSION.test(version)) throw invalid("a schema is named item@version", field);
    return new SchemaName(text, checkId(department as string, "a department", field), item, Number(version));
  }
}

/** `departments/{department}/issuerKeys/{issuer_key}`; the last part follows from the public key. */
export class IssuerKeyName {
  private constructor(readonly text: string, readonly department: string, readonly key: string) {}

  static parse(text: string, field = ""): IssuerKeyName {
    const [department, key] = parts(text, ["departments", "issuerKeys"], field);
    if (!KEY.test(key as string)) throw invalid("an issuer key is 32 hexadecimal digits", field);
    return new IssuerKeyName(text, checkId(department as string, "a department", field), key as string);
  }
}

/** `departments/{department}`. */
export function departmentName(text: string, field = ""): string {
  const [department] = parts(text, ["departments"], field);
  checkId(department as string, "a department", field);
  return text;
}

/** `verifiers/{verifier}`. */
export function verifierName(text: string, field = ""): string {
  const [verifier] = parts(text, ["verifiers"], field);
  checkId(verifier as string, "a verifier", field);
  return text;
}

/** `purposes/{purpose}`. */
export function purposeName(text: string, field = ""): string {
  const [purpose] = parts(text, ["purposes"], field);
  checkId(purpose as string, "a purpose", field);
  return text;
}

/** `verifiers/{verifier}/policies/{policy}@{version}`. */
export class PolicyName {
  private constructor(readonly text: string, readonly verifier: string) {}

  static parse(text: string, field = ""): PolicyName {
    const [verifier, policy] = parts(text, ["verifiers", "policies"], field);
    const [name, version] = versioned(policy as string);
    if (!VERSION.test(version)) throw invalid("a policy is named policy@version", field);
    checkId(verifier as string, "a verifier", field);
    checkId(name, "a policy", field);
    return new PolicyName(text, `verifiers/${verifier as string}`);
  }
}

function versioned(text: string): [string, string] {
  const at = text.indexOf("@");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function parts(name: string, collections: readonly string[], field: string): string[] {
  const all = name.split("/");
  const fits = all.length === 2 * collections.length && collections.every((each, i) => all[2 * i] === each);
  if (!fits) {
    const pattern = collections.map((each) => `${each}/...`).join("/");
    throw invalid(`the name does not have the form ${pattern}`, field);
  }
  return all.filter((_, i) => i % 2 === 1);
}

function invalid(detail: string, field: string): MalformedError {
  return new MalformedError("NAME_INVALID", detail, field);
}
