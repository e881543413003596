"""The container's health check: ends with 0 if the server answers SERVING over TLS, else with 1.

It connects on loopback, by the name that clients use (`ZK_PUBLIC_HOST`), and takes the authority from the
file `ZK_HEALTH_ROOT`, by default the development authority's in the data folder.
"""

import os
import sys
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

SECONDS = 4.0


def main() -> int:
    """Ask once; return the exit code."""
    data = Path(os.environ.get("ZK_DATA", "/var/lib/zk"))
    root = Path(os.environ.get("ZK_HEALTH_ROOT", data / "ca.pem"))
    address = f"127.0.0.1:{os.environ.get('ZK_PORT', '8443')}"
    name = ("grpc.ssl_target_name_override", os.environ.get("ZK_PUBLIC_HOST", "localhost"))
    try:
        credentials = grpc.ssl_channel_credentials(root.read_bytes())
        with grpc.secure_channel(address, credentials, options=[name]) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=SECONDS)
    except (OSError, grpc.RpcError) as error:
        sys.stderr.write(f"not healthy: {type(error).__name__}\n")
        return 1
    return 0 if answer.status == health_pb2.HealthCheckResponse.SERVING else 1


if __name__ == "__main__":
    sys.exit(main())
