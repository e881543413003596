// @digitalbazaar/bbs-signatures: the draft in JavaScript.
import * as bbs from '@digitalbazaar/bbs-signatures';
import {HEADER, MESSAGES, NONCE, SHOWN, require, serve} from './turns.mjs';

const ciphersuite = 'BLS12-381-SHA-256';
const {secretKey, publicKey} = await bbs.generateKeyPair({ciphersuite});
const signed = {publicKey, header: HEADER, messages: MESSAGES, ciphersuite};
const sign = () => bbs.sign({...signed, secretKey});
const signature = await sign();
const verify = async () => require(await bbs.verifySignature({...signed, signature}));
const prove = () => bbs.deriveProof({
  ...signed, signature, presentationHeader: NONCE, disclosedMessageIndexes: SHOWN,
});
const proof = await prove();
const verifyProof = async () => require(await bbs.verifyProof({
  publicKey, proof, header: HEADER, presentationHeader: NONCE, ciphersuite,
  disclosedMessages: SHOWN.map(i => MESSAGES[i]), disclosedMessageIndexes: SHOWN,
}));

await serve('BBS, JavaScript', {sign, verify, prove, 'verify proof': verifyProof},
  {signature: signature.length, proof: proof.length});
