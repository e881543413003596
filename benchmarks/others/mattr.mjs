// @mattrglobal/pairing-crypto: the draft in Rust, compiled to WebAssembly.
import pairing from '@mattrglobal/pairing-crypto';
import {HEADER, MESSAGES, NONCE, SHOWN, require, serve} from './turns.mjs';

const bbs = pairing.bbs.bls12381_sha256;
const {secretKey, publicKey} = await bbs.generateKeyPair();
const signed = {publicKey, header: HEADER, messages: MESSAGES};
const sign = () => bbs.sign({...signed, secretKey});
const signature = await sign();
const verify = async () => require((await bbs.verify({...signed, signature})).verified);
const marked = MESSAGES.map((value, i) => ({value, reveal: SHOWN.includes(i)}));
const presented = {publicKey, header: HEADER, presentationHeader: NONCE};
const prove = () => bbs.deriveProof({...presented, signature, verifySignature: false, messages: marked});
const proof = await prove();
const revealed = Object.fromEntries(SHOWN.map(i => [i, MESSAGES[i]]));
const verifyProof = async () => require(
  (await bbs.verifyProof({...presented, proof, messages: revealed})).verified);

await serve('BBS, Rust as WebAssembly', {sign, verify, prove, 'verify proof': verifyProof},
  {signature: signature.length, proof: proof.length});
