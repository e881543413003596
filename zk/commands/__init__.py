"""The commands, one module a group; zk.cli puts them together."""
