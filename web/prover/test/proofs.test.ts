/** Proofs, commitments and pseudonyms, octet for octet as the published vectors have them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";

import { Committed, bindingOctets, blindProofGen, commit, jointGenerators, verifyBlindSign } from "../src/bbs/blind.js";
import { DecodingError, InputError, VerificationError } from "../src/bbs/errors.js";
import { pointsToOctets } from "../src/bbs/group.js";
import { concat, hex, utf8 } from "../src/bbs/octets.js";
import { proofGen } from "../src/bbs/proof.js";
import { calculatePseudonym, commitWithNym, proofGenWithNym, verifyFinalizeWithNym } from "../src/bbs/pseudonym.js";
import type { Ciphersuite } from "../src/bbs/suite.js";
import { SUITES, absent, integer, octets, seeded, vector, vectors } from "./support.js";

const refuses = (reason: string) => (error: unknown) =>
  (error instanceof DecodingError || error instanceof InputError || error instanceof VerificationError) &&
  error.reason === reason;

/** The randomness of a case: its seed is text, its tag its own. */
function mocked(data: any, kind: string, suite: Ciphersuite) {
  return seeded(utf8(data.mockRngParameters.SEED), utf8(data.mockRngParameters[kind].DST), suite);
}

function committedOf(data: any, messages: any): Committed {
  return data.proverBlind === null ? new Committed() : new Committed(messages.map(octets), integer(data.proverBlind));
}

const indexes = (shown: any): number[] => Object.keys(shown ?? {}).map(Number);

for (const [folder, suite] of SUITES) {
  test(`${folder}: the core draft's proofs`, { skip: absent("bbs") }, () => {
    const seed = octets(vector("bbs", folder, "mockedRng.json").seed);
    const rng = seeded(seed, concat(suite.apiId, utf8("MOCK_RANDOM_SCALARS_DST_")), suite);
    let made = 0;
    for (const [name, each] of vectors("bbs", folder, "proof")) {
      if (!each.result.valid) continue;
      const [pk, signature, header, ph] = [
        each.signerPublicKey, each.signature, each.header, each.presentationHeader,
      ].map(octets) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
      const messages = each.messages.map(octets);
      const proof = proofGen(pk, signature, header, ph, messages, each.disclosedIndexes, suite, rng);
      assert.equal(hex(proof), each.proof, name);
      made += 1;
      const prove = (changed: Partial<{ signature: Uint8Array; indexes: number[]; count: number }>) =>
        proofGen(
          pk, changed.signature ?? signature, header, ph, messages, changed.indexes ?? each.disclosedIndexes, suite,
          (count) => rng(count + (changed.count ?? 0)),
        );
      assert.throws(() => prove({ signature: signature.subarray(1) }), refuses("INVALID_LENGTH"));
      assert.throws(() => prove({ indexes: [messages.length] }), refuses("INVALID_INDEXES"));
      assert.throws(() => prove({ indexes: [-1] }), refuses("INVALID_INDEXES"));
      assert.throws(() => prove({ count: 1 }), refuses("INVALID_RANDOMNESS"));
    }
    assert.ok(made >= 4);
    const unordered = vectors("bbs", folder, "proof").find(([name]) => name === "proof010.json")![1];
    assert.throws(
      () => proofGen(
        octets(unordered.signerPublicKey), octets(unordered.signature), octets(unordered.header), utf8("nonce"),
        unordered.messages.map(octets), [4, 2, 4, 6], suite,
      ),
      refuses("INVALID_INDEXES"),
    );
  });

  test(`${folder}: blind commitments, signatures and proofs`, { skip: absent("blind") }, () => {
    const generators = vector("blind", folder, "generators.json");
    const { generators: known, blindGenerators: blind } = generators;
    const joint = jointGenerators(
      known.MsgGenerators.length, blind.MsgGenerators.length, utf8(known.api_id), suite,
    );
    assert.deepEqual(
      joint.points.map((point) => hex(pointsToOctets(point))),
      [known.Q1, ...known.MsgGenerators, blind.Q1, ...blind.MsgGenerators],
    );
    for (const [name, each] of vectors("blind", folder, "commit")) {
      const messages = each.committedMessages.map(octets);
      const [commitment, committed] = commit(messages, suite, undefined, mocked(each, "commit", suite));
      assert.equal(hex(commitment), each.commitmentWithProof, name);
      assert.equal(committed.secretProverBlind, integer(each.proverBlind));
    }
    for (const [name, each] of vectors("blind", folder, "signature")) {
      const pk = octets(each.signerKeyPair.publicKey);
      const messages = each.messages.map(octets);
      const committed = committedOf(each, each.committedMessages);
      const checking = (header: Uint8Array, ...other: [Committed?]) =>
        verifyBlindSign(pk, octets(each.signature), header, messages, other[0] ?? committed, suite);
      assert.doesNotThrow(() => checking(octets(each.header)), name);
      assert.throws(() => checking(utf8("another header")), refuses("SIGNATURE_INVALID"));
      const other = new Committed(committed.messages, 5n);
      assert.throws(() => checking(octets(each.header), other), refuses("SIGNATURE_INVALID"));
    }
    const every = vector("blind", "messages.json");
    for (const [name, each] of vectors("blind", folder, "proof")) {
      const [pk, signature, header, ph] = [
        each.signerPublicKey, each.signature, each.header, each.presentationHeader,
      ].map(octets) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
      const proof = blindProofGen(
        pk, signature, header, ph, every.messages.map(octets), committedOf(each, every.committedMessages),
        indexes(each.revealedMessages), indexes(each.revealedCommittedMessages), suite, mocked(each, "proof", suite),
      );
      assert.equal(hex(proof), each.proof, name);
    }
  });

  test(`${folder}: pseudonyms`, { skip: absent("pseudonym") }, () => {
    for (const [name, each] of vectors("pseudonym", folder, "nymCommit")) {
      const nyms = each.proverNyms.map(integer);
      const rng = mocked(each, "commit", suite);
      const [commitment, committed] = commitWithNym(each.committedMessages.map(octets), nyms, suite, undefined, rng);
      assert.equal(hex(commitment), each.commitmentWithProof, name);
      assert.equal(committed.secretProverBlind, integer(each.proverBlind));
    }
    for (const [name, each] of vectors("pseudonym", folder, "nymSignature")) {
      const finalize = (entropy: bigint) => verifyFinalizeWithNym(
        octets(each.signerKeyPair.publicKey), octets(each.signature), octets(each.header), each.messages.map(octets),
        committedOf(each, each.committedMessages), each.proverNyms.map(integer), entropy, suite,
      );
      assert.deepEqual(finalize(integer(each.signer_nym_entropy)), each.nym_secrets.map(integer), name);
      assert.throws(() => finalize(1n), refuses("SIGNATURE_INVALID"));
    }
    for (const [name, each] of vectors("pseudonym", folder, "nymProof")) {
      const secrets = each.nym_secrets.map(integer);
      const [proof, pseudonym] = proofGenWithNym(
        octets(each.signerPublicKey), octets(each.signature), octets(each.header), octets(each.presentationHeader),
        secrets, octets(each.context_id), each.messages.map(octets), committedOf(each, each.committedMessages),
        indexes(each.revealedMessages), indexes(each.revealedCommittedMessages), suite, mocked(each, "proof", suite),
      );
      assert.equal(hex(proof), each.proof, name);
      assert.equal(hex(pseudonym), each.pseudonym, name);
      assert.equal(hex(calculatePseudonym(octets(each.context_id), secrets, suite)), each.pseudonym);
    }
    assert.throws(() => calculatePseudonym(utf8("somewhere"), [], suite), refuses("COUNT_MISMATCH"));
    assert.throws(() => calculatePseudonym(utf8("somewhere"), [0n], suite), refuses("DEGENERATE"));
  });
}

test("a binding is unambiguous, and its nonce is long enough", () => {
  const [a, b] = [utf8("abc"), utf8("bcd")];
  const nonce = new Uint8Array(16);
  assert.notDeepEqual(
    bindingOctets({ pk: a, nonce, context: b }), bindingOctets({ pk: concat(a, b), nonce, context: utf8("") }),
  );
  assert.throws(() => bindingOctets({ pk: a, nonce: new Uint8Array(15), context: b }), refuses("INVALID_NONCE"));
});

test("what is secret shows nothing of itself", () => {
  const secret = 12345678901234567890n;
  const committed = new Committed([utf8("my secret message")], secret);
  const shown = [String(committed), JSON.stringify({ committed }), inspect(committed), inspect([[committed]])];
  for (const text of [...shown, Object.keys(committed).join()]) {
    assert.doesNotMatch(text, /12345678901234567890|my secret|109, ?121/);
  }
  assert.throws(() => new Committed([utf8("a")], 0n), refuses("SCALAR_OUT_OF_RANGE"));
  try {
    new Committed([], -secret);
    assert.fail("a negative blind was taken");
  } catch (error) {
    assert.doesNotMatch(String(error), /1234567/);
  }
});
