// The services that a vault calls, over the same gRPC-Web as every page. Nothing here needs a document: it works in the
// vault's worker.
import { createClient } from "@connectrpc/connect";

import { AccountService } from "../../../gen/zkproto/v1/account_pb.js";
import { ApplicationService } from "../../../gen/zkproto/v1/application_pb.js";
import { CatalogService } from "../../../gen/zkproto/v1/catalog_pb.js";
import { IssuanceService } from "../../../gen/zkproto/v1/issuance_pb.js";
import { PolicyService } from "../../../gen/zkproto/v1/policy_pb.js";
import { PresentationService } from "../../../gen/zkproto/v1/presentation_pb.js";
import { PublicationService } from "../../../gen/zkproto/v1/publication_pb.js";
import { RevocationService } from "../../../gen/zkproto/v1/revocation_pb.js";
import { SessionService } from "../../../gen/zkproto/v1/session_pb.js";
import { ledger, transport } from "../../service.js";

export { ledger };
export const account = createClient(AccountService, transport);
export const applications = createClient(ApplicationService, transport);
export const catalog = createClient(CatalogService, transport);
export const issuance = createClient(IssuanceService, transport);
export const policies = createClient(PolicyService, transport);
export const presentations = createClient(PresentationService, transport);
export const publication = createClient(PublicationService, transport);
export const revocation = createClient(RevocationService, transport);
export const sessions = createClient(SessionService, transport);
