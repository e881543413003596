/**
 * The holder's side: what a vault in a browser needs to read what it is asked, to check what it is given, and to prove.
 *
 * Nothing here stores, sends or shows anything, and nothing touches a page: it runs in a worker as in Node.
 */

export { BbsError, DecodingError, InputError, VerificationError, type Reason } from "./bbs/errors.js";
export type { RandomScalars } from "./bbs/scalars.js";
export { resolve, SHA_256, SHAKE_256, type Ciphersuite } from "./bbs/suite.js";
export { Day, LocalizedText, type AttributeDefinition, type Value, type Values } from "./disclosure/attributes.js";
export {
  checkAllowed, excessOf, policyOf, scopesOf, type Excess, type ExcessKind,
} from "./disclosure/allowance.js";
export {
  DisclosureError, MalformedError, RefusedError, type DisclosureReason, type Violation,
} from "./disclosure/errors.js";
export { IssuerKey, civilDay, type KeyState } from "./disclosure/key.js";
export { IssuerKeyName, PolicyName, SchemaName } from "./disclosure/names.js";
export {
  AllowedAttribute, AllowedEscrow, AllowedItem, AllowedScope, RegisteredPolicy, StandingLimits, itemName,
  type DataItem, type PolicyFields, type ReceiptState,
} from "./disclosure/policy.js";
export { policyFromMessage, type PolicyMessage } from "./disclosure/policy_message.js";
export type { FindKey, SignedRequest } from "./disclosure/request_frame.js";
export { Schema, type CredentialForm } from "./disclosure/schema.js";
export {
  checkStanding, openTerms, StandingTerms, templateOf, termsOf, type SignedTerms, type StandingRequest, type TermsFields,
} from "./disclosure/standing.js";
export * as composite from "./composite/index.js";
export { checkLifetime } from "./disclosure/lifetime.js";
export { PlainCredential, checkCredential } from "./plain/credential.js";
export { planPlain, presentPlain, type Beside, type HeldPlain, type PlainLack, type PlainOption } from "./plain/present.js";
export { PlainRequest, openPlainRequest, type PlainQuery } from "./plain/request.js";
