"""What operators read of witnesses and of what cities do for one another's ledgers, in English."""

from typing import Final

MESSAGES: Final = {
    "help.witness": "Cosign other operators' logs.",
    "help.witness.init": "Make a witness's folder and its key; again, a further key.",
    "help.witness.retire": "Forget a key that no policy names any more.",
    "help.witness.serve": "Run the witness (C2SP tlog-witness).",
    "help.witness.show": "What a stopped witness has cosigned, log by log.",
    "help.witness.data": "The witness's folder.",
    "help.witness.policy": "Policy file (C2SP tlog-policy) that names known logs; may be given again.",
    "help.witness.name": "The key's name, for instance witness.city.example.",
    "help.witness.key_id": "The key's identifier, the 8 digits between the plus signs of the verifier key.",
    "help.witness.host": "Address to listen on.",
    "help.witness.port": "Port to listen on; 0 lets the system choose.",
    "help.witness.certificate": "Certificate chain, PEM; without it HTTP is plain, as behind a proxy.",
    "help.witness.private_key": "The certificate's private key, PEM.",
    "witness.made": "The witness in {path} has a new key. Back the folder up as you back keys up.",
    "witness.key": "Verifier key: {key}",
    "witness.retired": "The key {key} cosigns no more.",
    "witness.ready": "The witness listens on {address} for {count} logs.",
    "witness.stopped": "The witness has ended.",
    "witness.row": "{origin}: size {size}, root {root}, cosigned {time}; refused {refused}",
    "witness.row_none": "{origin}: nothing cosigned yet; refused {refused}",
}
