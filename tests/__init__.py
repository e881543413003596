import zkservice  # noqa: F401  (before anything loads gRPC: it says how gRPC takes forks)
