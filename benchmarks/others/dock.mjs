// @docknetwork/crypto-wasm: BBS in Rust, compiled to WebAssembly; its own encoding, not the draft's.
import dock from '@docknetwork/crypto-wasm';
import {COUNT, MESSAGES, NONCE, SHOWN, require, serve} from './turns.mjs';

await dock.initializeWasm();
const params = dock.bbsGenerateSignatureParams(COUNT, NONCE);
const {secret_key: secretKey, public_key: publicKey} = dock.bbsGenerateKeyPair(params);
const sign = () => dock.bbsSign(MESSAGES, secretKey, params, true);
const signature = sign();
const verify = () => require(dock.bbsVerify(MESSAGES, signature, publicKey, params, true).verified);
const revealed = new Map(SHOWN.map(i => [i, MESSAGES[i]]));
const challengeOf = contribution =>
  dock.generateChallengeFromBytes(Buffer.concat([contribution, NONCE]));
const prove = () => {
  const protocol = dock.bbsInitializeProofOfKnowledgeOfSignature(
    signature, params, MESSAGES, new Map(), new Set(SHOWN), true);
  const contribution = dock.bbsChallengeContributionFromProtocol(protocol, revealed, params, true);
  return dock.bbsGenProofOfKnowledgeOfSignature(protocol, challengeOf(contribution));
};
const proof = prove();
const verifyProof = () => {
  const contribution = dock.bbsChallengeContributionFromProof(proof, revealed, params, true);
  require(dock.bbsVerifyProofOfKnowledgeOfSignature(
    proof, revealed, challengeOf(contribution), publicKey, params, true).verified);
};

await serve('BBS, Rust as WebAssembly', {sign, verify, prove, 'verify proof': verifyProof},
  {signature: signature.length, proof: proof.length});
