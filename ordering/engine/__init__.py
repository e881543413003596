"""Between the engine, CometBFT v0.38, and the machine: what the engine asks, over gRPC on loopback."""
