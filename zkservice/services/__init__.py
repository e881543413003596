"""The gRPC services, one module each: decode and check, call one use case of storage, encode."""
