// The service, by the contract that every client uses: gRPC-Web to this page's own origin, which hands it on.
import { createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";

import { LedgerService } from "../gen/zkproto/v1/ledger_pb.js";

export const transport = createGrpcWebTransport({
  baseUrl: `${location.origin}/rpc`,
  useBinaryFormat: true,
  defaultTimeoutMs: 20_000,
});

export const ledger = createClient(LedgerService, transport);
