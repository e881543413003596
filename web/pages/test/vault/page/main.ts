// A page with nothing on it, for tests: the vault as screens have it.
import { openedVault } from "../../../src/vault/client.js";

Object.assign(window, { vault: openedVault() });
