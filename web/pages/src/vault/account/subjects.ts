// Whom a department means: a person or a company, by its number.

import { Subject_Kind } from "../../../gen/zkproto/v1/account_pb.js";
import { VaultError } from "../fault.js";
import type { SubjectKind } from "../model.js";

const NUMBER = /^[0-9A-Z-]{1,64}$/;
const KINDS: Readonly<Record<SubjectKind, Subject_Kind>> = { person: Subject_Kind.PERSON, company: Subject_Kind.COMPANY };

/** A number as departments write it, however it was typed; VaultError NUMBER_MALFORMED. */
export function numberOf(typed: string): string {
  const written = typed.replaceAll(/\s/g, "").toUpperCase();
  if (!NUMBER.test(written)) throw new VaultError("NUMBER_MALFORMED", "a number has digits, capital letters and hyphens");
  return written;
}

export const subjectOf = ({ kind, number }: { readonly kind: SubjectKind; readonly number: string }) =>
  ({ kind: KINDS[kind], number });
