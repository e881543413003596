"""The stories of `zk demo`, each a module: who takes part, what happens, what is checked."""
