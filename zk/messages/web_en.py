"""What people read of the pages' edge, in English."""

from typing import Final

MESSAGES: Final = {
    "help.web": "The pages: the chain's window and others, for browsers.",
    "help.web.serve": "Hand out the pages, and pass their calls on to the service.",
    "help.web.pages": "Folder of the built pages (scripts/web.sh).",
    "help.web.host": "Address to listen on.",
    "help.web.port": "Port to listen on; 0 lets the system choose.",
    "help.web.name": "A name that people reach the pages by, beside localhost; may be given again.",
    "help.web.certificate": "Certificate chain, PEM; without it HTTP is plain: for this machine, or a proxy.",
    "help.web.private_key": "The certificate's private key, PEM.",
    "help.web.behind_tls": "A proxy in front speaks TLS.",
    "help.web.policy": "Policy file (C2SP tlog-policy) that the chain's window shows.",
    "help.web.monitor": "Folder of the monitor whose alarms the chain's window shows.",
    "help.web.purpose": "A policy of this home's verifier that its counter may ask by; may be given again.",
    "web.counter": "The counter is open; clerks sign in with the code in {path}",
    "web.ready": "The pages are at {address}",
    "web.stopped": "The pages are not handed out any more.",
    "error.web_certificate": "A certificate and its key go together: --certificate, --private-key.",
}
