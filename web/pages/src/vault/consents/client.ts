// The service that is called for standing consents; what its messages are is loaded with them.
import { createClient } from "@connectrpc/connect";

import { ConsentService } from "../../../gen/zkproto/v1/consent_pb.js";
import { transport } from "../../service.js";

export const consents = createClient(ConsentService, transport);
