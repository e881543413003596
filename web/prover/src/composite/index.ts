// The composite form: credentials of one holder, shown by one proof of what was asked.

export { AccumulatorKey, Epoch, MembershipWitness, Position } from "../accumulator/list.js";
export { CatchingUp, catchUp, Page } from "../accumulator/pages.js";
export { checkRequest } from "./compiler.js";
export { checkCredential, CompositeCredential, HolderSecret, prepareCredential } from "./credential.js";
export {
  CompositeDirectory, type Published, PublishedAccumulator, PublishedCodeList, PublishedDigits, readTable, RegulatorKey,
} from "./directory.js";
export { type Holding, type Holdings, type Missing, missingIn, type Openings } from "./holding.js";
export { acceptCredential, askForCredential, type IssuedCredential, PendingCredential, readIssued } from "./issuance.js";
export { CommitmentOpening, KeptOpening } from "./opening.js";
export type { CommitmentQuery, Compared, EscrowQuery, ForeignNumber, PseudonymQuery, PseudonymScope } from "./outputs.js";
export { CommittedNumber, JointScope } from "./outputs.js";
export type { Equal, Foreign, InList, NotEqual, OneOf, Operand, Predicate, Range, Sum, Term } from "./predicates.js";
export { type Asked, presentComposite, type Presented } from "./present.js";
export { Answer, CompositePresentation, type CredentialAnswer } from "./presentation.js";
export { type AcceptedIssuer, type CompositeQuery, type Expiry, OldestEpoch } from "./query.js";
export { type Branch, CompositeRequest, isComposite } from "./request.js";
export { IssuanceTerms } from "./terms.js";
