"""What people read of tokens and certificates, in English."""

from typing import Final

MESSAGES: Final = {
    "help.tokens": "Short-lived tokens of a secret, and the keys that sign them.",
    "help.tokens.create": "Make a token of a secret, good for a quarter of an hour.",
    "help.tokens.keys": "List the public keys that tokens are signed with now.",
    "help.tokens.rotate": "Sign tokens with a new key; takes an operator's or an administrator's secret.",
    "help.tokens.replace": "Give a department another secret; the one before ends, and its tokens.",
    "help.tokens.secret_file": "File with the secret; else the administrator's counts.",
    "help.tokens.department": "A department whose secret is kept in this home.",
    "help.tokens.output": "File to write the token to, readable by its owner only.",
    "help.tokens.at_once": "End the keys before, and all tokens, at once: for a key that has leaked.",
    "help.tokens.replaced": "The department.",
    "help.option.client_certificate": "PEM file of the certificate to show, on the port that demands one.",
    "help.option.client_key": "PEM file of the certificate's private key.",
    "serve.certified": "With a client's certificate: {address}",
    "tokens.written": "The token of {name} is in {path}, good until {ends}.",
    "tokens.none": "No token was made yet, so there is no key.",
    "tokens.signs": "{kid}  signs since {created}",
    "tokens.counts": "{kid}  counts until {ends}",
    "tokens.made": "The token of {name} is in {path}; show it to nobody. Its hash: {hash}",
    "tokens.replaced_by_hash": "{department} has the secret that it made itself. The one before has ended.",
    "tokens.replaced": "{department} has another secret, in {path}. The one before has ended.",
    "error.client_key_missing": "A certificate and its key go together: --client-certificate, --client-key.",
}
