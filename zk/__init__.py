"""The `zk` command, the catalogue and the demo: composes everything and is imported by nothing."""
