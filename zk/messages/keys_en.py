"""What operators read of the master key and its keyring, in English."""

from typing import Final

MESSAGES: Final = {
    "help.keys": "The master key: how it is kept, rotated, backed up.",
    "help.keys.status": "Say how the master key is kept and how much each generation seals.",
    "help.keys.wrap": "Wrap the master key that lies open by the provider of the settings.",
    "help.keys.rewrap": "Wrap the keyring by another provider.",
    "help.keys.rewrap_file": "A TOML file with the key_ settings of the provider that is to be.",
    "help.keys.rotate": "Go over to another master key, key of the log, or issuer key.",
    "help.keys.rotate_what": "Which key: master (servers may run), log, issuer.",
    "help.keys.wait": "Wait so many seconds for servers to take over.",
    "help.keys.reseal": "Seal anew what a former generation seals, and retire it.",
    "help.keys.settle": "Wait so many seconds before a former generation is retired.",
    "help.keys.backup": "Back the keyring up, wrapped.",
    "help.keys.backup_folder": "The new folder that holds the backup.",
    "help.keys.restore": "Put a keyring's backup into a folder that has none.",
    "help.keys.restore_folder": "The backup's folder.",
    "help.keys.drill": "Restore both backups to a scratch place and open everything.",
    "help.keys.drill_database": "A folder that zk ledger backup wrote.",
    "help.keys.drill_keyring": "A folder that zk keys backup wrote.",
    "help.keys.drill_url": "An empty PostgreSQL database, emptied again; for a backup of one.",
    "help.keys.protect": "Encrypt the private key of a server's certificate under the keyring.",
    "help.keys.protect_file": "The file of the private key, in PEM: it is written over.",
    "help.keys.protect_open": "Write it in the open again.",
    "keys.plain": "The master key lies open in keys/master.key (provider: {provider}).",
    "keys.provider": "The master key is wrapped (provider: {provider}).",
    "keys.generation": "Generation {number}: {state}; seals {values} values",
    "keys.server": "Server {server}: opens up to generation {known}, seals under {sealing}",
    "keys.wrapped": (
        "The master key is wrapped (provider: {provider}) in keys/keyring.json, "
        "{count:generation/generations}; the open file is gone."
    ),
    "keys.rewrapped": (
        "The keyring is wrapped by another provider ({provider}), {count:generation/generations}. "
        "Put its settings into zk.toml now, and start each server again."
    ),
    "keys.rotated": "Generation {number} of the master key seals from now on. Next: zk keys reseal.",
    "keys.waiting": "waiting for {servers}",
    "keys.resealing": "sealing anew",
    "keys.resealed": "{values:value was/values were} sealed anew; generation {number} is retired.",
    "keys.nothing_former": "There is no former generation: nothing was changed.",
    "keys.backed_up": "The keyring is backed up in {folder}, {count:generation/generations}.",
    "keys.backup_without": (
        "It opens with the key of the provider ({provider}) only, which is not in it: keep that elsewhere."
    ),
    "keys.restored": "{data} has the keyring of {made} again.",
    "keys.opening": "opening sealed values",
    "keys.drilled": (
        "{values:sealed value/sealed values} opened; the log {origin} has {size} entries and is sound."
    ),
    "keys.drilled_keys": (
        "{log_keys:key/keys} of the log signed anew, {issuer_keys:issuer key/issuer keys} fit. "
        "Nothing is left of the drill."
    ),
    "keys.protected": (
        "The private key in {file} is encrypted under the keyring. Copies that lie elsewhere stay open."
    ),
    "keys.protected_already": "The private key in {file} was encrypted under the keyring already.",
    "keys.laid_open": "The private key in {file} lies open.",
    "error.keys_private": "{path} cannot be written, or does not hold a private key in PEM and nothing else",
    "error.keys_settings": (
        "{path} has to be a TOML file that says key_provider and the key_ settings beside it, and "
        "nothing else"
    ),
    "reason.PROVIDER_MISSING": "No key provider is set",
    "reason.PROVIDER_UNUSABLE": "The key provider cannot be used",
    "reason.PROVIDER_FAILED": "The key provider failed",
    "reason.KEY_WRONG": "The key provider has another key",
    "reason.KEYRING_MISSING": "There is no keyring",
    "reason.KEYRING_MALFORMED": "This is no keyring that can be read",
    "reason.KEYRING_CHANGED": "The keyring was changed",
    "reason.KEYRING_OTHER": "The keyring is another one",
    "reason.KEYRING_BEHIND": "The keyring lacks a generation",
    "reason.KEYRING_EXISTS": "There is a master key already",
    "reason.KEYRING_BUSY": "Another process changes the keyring",
    "reason.ROTATION_UNDER_WAY": "A rotation is under way",
    "reason.SERVERS_BEHIND": "A server has not taken over the new generation",
    "reason.SEALED_BROKEN": "Something sealed does not open",
}
