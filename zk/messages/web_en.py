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
    "help.web.errand": "The bundle whose board the counter has, such as newborn@1: each step whose key and "
    "policy are here.",
    "help.web.errand_policy": "A policy by which a counter of that bundle asks; may be given again.",
    "help.web.anchored": "Accept answers and parts once the pinned policy's witnesses have cosigned them.",
    "error.web_errand": "A board needs a bundle and the policies of its counters: --errand, --errand-policy.",
    "error.web_policy_twice": "Two of the policies have one id: by which a counter asks is not clear.",
    "error.web_no_step": "Of no counter of {bundle} there are both the verifier's key and its policy here.",
    "web.board_overtaken": "Another desk was faster, or the holder: the part is not as you saw it any more.",
    "web.board_not_ready": "What this part depends on is not done yet.",
    "web.board_unknown": "There is no such part on this board.",
    "web.board_reused": "This was sent before, with something else in it.",
    "web.board_text": "What is written to the holder cannot be taken as it stands.",
    "help.web.centre_token": "File of a regulator's token: the resource centre is open, and read with it.",
    "help.web.centre_code": "File of the code that people sign in to the centre with; made beside the token "
    "where none is named.",
    "web.centre": "The resource centre is open; people sign in with the code in {path}",
    "error.web_centre_token": "The centre's code needs the token that is read with: --centre-token.",
    "error.web_code_short": "The code in {path} has fewer than {least} characters: it could be guessed.",
    "help.web.demo": "A server with people in it and all pages, with what to do.",
    "help.web.output": "Empty folder for the server and the homes of its people.",
    "help.web.examples": "Folder of the examples that people are made from.",
    "error.web_folder": "{path} is in use: take it away, or name another one (--output).",
    "web.demo_begins": "Starting a server, nine witnesses, departments, a citizen, a school, a hall and a "
    "monitor: a minute and a half.",
    "web.demo_open": "1. Open {address} in a browser. It does not know this demo's authority ({root}):\n"
    "   go on all the same.",
    "web.demo_chain": "2. The chain's window: see what departments and school have put on the ledger,\n"
    "   and which cities have cosigned it; keep its key and its policy.",
    "web.demo_counter": "3. The counter: sign in with {code}, choose what it is for, and open 'As a link'.",
    "web.demo_answer": "4. In another terminal, as the citizen, with the link in the place of LINK:\n"
    "   ZK_HOME={home} ZK_PASSPHRASE='{passphrase}' .venv/bin/zk vault present LINK\n"
    "   The counter shows what was proven; save its record.",
    "web.demo_receipt": "5. The chain's window, Check a receipt: choose the record; its proof is drawn.",
    "web.demo_alarms": "6. The chain's window, Alarms: a monitor has caught {cheat}, which showed two "
    "ledgers.",
    "web.demo_enrolment": "7. The school's own site, another server: open {site}, press the button,\n"
    "   and answer as in 4 with the link behind 'Open the vault'; type the pairing code. The form fills.",
    "web.demo_centre": "8. The resource centre: sign in with {centre_code}; see who offers which data,\n"
    "   who may ask for them, and how often they do.",
    "web.demo_vault": "9. A vault of your own, in the browser: open {address}vault/, make one, and paste\n"
    "   under Scan these links of departments, one after the other; then ask at the counter again, paste\n"
    "   its link, read what is asked, agree, and look at the history:\n   {offers}",
    "web.demo_inbox": "10. An inbox: in the same vault paste this link under Scan, and give the number\n"
    "   {number}:\n   {account}\n"
    "   Then have the department deliver something, in another terminal, and open the inbox:\n   {deliver}",
    "web.demo_board": "11. An errand at two counters: at the counter, under Errands, press\n"
    "   'Begin with a person', open 'As a link', and in another terminal begin it as the citizen:\n"
    "   ZK_PASSPHRASE='{passphrase}' {begin}\n"
    "   Both parts come in: open each, see what was proven and declared, and say that it is done.",
    "web.demo_end": "Ctrl-C ends all of it.",
    "web.ready": "The pages are at {address}",
    "web.stopped": "The pages are not handed out any more.",
    "error.web_certificate": "A certificate and its key go together: --certificate, --private-key.",
}
