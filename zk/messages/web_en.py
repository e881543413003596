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
    "monitor: about a minute.",
    "web.demo_open": "1. Open {address} in a browser. It does not know this demo's authority\n"
    "   ({root}): go on all the same. All pages are linked from there, and 'All pages' leads back.",
    "web.demo_chain": "2. 'The chain's window': under 'Cosignatures' stand the "
    "nine witnesses, and that the quorum\n"
    "   has cosigned, under 'Blocks' what departments and verifiers have put on the ledger. Under\n"
    "   'Whom you trust' press 'Keep it': 'You keep this one.'",
    "web.demo_vault": "3. 'Your vault': compare the ledger's key, whose fingerprint has to be\n"
    "   {fingerprint}\n"
    "   Tick 'I have compared it, or I accept the key as this server shows it', choose a passphrase of ten\n"
    "   characters or more, type it twice, and press 'Make the vault'. Then paste each of these links under\n"
    "   'Scan', press 'Open the link' and 'Take it into the vault'. In the end 'Credentials' shows three:\n"
    "   {permit}\n   {insurance}\n   {licence}",
    "web.demo_counter": "4. 'The counter', best in another tab: sign in with {code}, press\n"
    "   'Checking who may enrol', and open 'As a link'. Paste that link in the vault under 'Scan', press\n"
    "   'Open the link', read who asks and what they will see, and press 'Agree and show':\n"
    "   'It was shown, and the use stands on the ledger.' The counter says 'Proven'; press\n"
    "   'Save the record'.",
    "web.demo_terminal": "5. The same from a terminal, as another citizen: at the "
    "counter press 'Next person' and ask\n"
    "   again. In a terminal, with the link in the place of LINK, read what is asked, and type yes:\n"
    "   ZK_HOME={home} ZK_PASSPHRASE='{passphrase}' .venv/bin/zk vault present 'LINK'\n"
    "   The counter says 'Proven'.",
    "web.demo_receipt": "6. 'The chain's window', under 'Check a receipt': choose "
    "the file of the record, press 'Check'.\n"
    "   'The receipt holds.', witnesses have cosigned it, and its proof is drawn.",
    "web.demo_alarms": "7. There under 'Alarms': a monitor has caught {cheat}, "
    "which showed two ledgers. It is\n"
    "   'proven', and the evidence can be saved.",
    "web.demo_enrolment": "8. The school's own site, another server: open {site} in "
    "the browser of the vault,\n"
    "   press 'Fill in from my vault' and 'Open the vault on this device'. Open the vault with its\n"
    "   passphrase, type the pairing code that stands on the school's page, press 'Go on', and then\n"
    "   'Agree and show'. The school says 'Proven. Please complete the form.': do, and press 'Enrol'.\n"
    "   'Enrolled.'",
    "web.demo_centre": "9. 'The resource centre': sign in with {centre_code}. "
    "'Departments' shows who offers data,\n"
    "   'Policies' who may ask for which, 'Statistics' how often {school} has asked and was answered.",
    "web.demo_inbox": "10. An inbox: paste this link in the vault under 'Scan', "
    "and press 'Open the link'. Type the number\n"
    "   {number} and press 'Bind this vault':\n"
    "   {account}\n"
    "   Then have the department deliver something, in a terminal:\n"
    "   {deliver}\n"
    "   It stands under 'Inbox': press it, and 'Take it into the vault'.",
    "web.demo_board": "11. An errand at two counters: at 'The counter' under "
    "'Errands' press 'Begin with a person' and\n"
    "   open 'As a link'. Paste that link in the vault under 'Scan', press 'Open the link' and 'Begin', and\n"
    "   as soon as it is there 'See what they ask'. Fill in the form, press 'Go on', read what each counter\n"
    "   would see, and press 'Agree and submit all'. At the counter two parts come in, and soon are\n"
    "   'received': open each, see what was proven and declared, and press 'Done'. The vault says\n"
    "   'Everything is done'.",
    "web.demo_end": "Ctrl-C ends all of it.",
    "web.ready": "The pages are at {address}",
    "web.stopped": "The pages are not handed out any more.",
    "error.web_certificate": "A certificate and its key go together: --certificate, --private-key.",
}
