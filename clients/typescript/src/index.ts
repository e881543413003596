export * from "./errors.js";
export * from "./repeating.js";
export * from "./service.js";
export * from "./signing.js";
export { CatalogService } from "../gen/zkproto/v1/catalog_pb.js";
export { IssuanceService } from "../gen/zkproto/v1/issuance_pb.js";
export { LedgerService } from "../gen/zkproto/v1/ledger_pb.js";
export { PolicyService } from "../gen/zkproto/v1/policy_pb.js";
export { PresentationService } from "../gen/zkproto/v1/presentation_pb.js";
