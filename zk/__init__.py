"""The `zk` command, the catalogue and the demo: composes everything and is imported by nothing."""

import os

os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"  # before anything loads gRPC; the reason stands in `zkservice`
