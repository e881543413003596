// What a person has to know of sums across two holders (prover/composite/joint.py): that the verifier gets a commitment, and
// whose number is counted.

import type { ForeignNumber } from "../../../../prover/src/composite/outputs.js";
import { namedOperand } from "./clauses.js";
import { joined, plain, say, type Part, valueText } from "./saying.js";
import { JOINT } from "./texts.js";
import { type Said, said } from "./said.js";
import type { Consent } from "./told.js";

/** What an answer commits to, and which numbers of other holders it counts. */
export function jointLines(consent: Consent): readonly Said[] {
  const { branch, reading } = consent;
  const verifier = plain(consent.verifierName);
  const commitments = branch.commitments.map(({ id, operand }) =>
    said("pseudonym", say(JOINT.commitment, { verifier, operand: namedOperand(operand, reading), id })));
  const foreign = branch.foreign.flatMap((each) => foreignLines(each, consent, verifier));
  if (commitments.length + foreign.length === 0) return [];
  const handing = commitments.length > 0 ? [said("fact", say(JOINT.handing))] : [];
  return [said("section", say(JOINT.joint)), ...commitments, ...handing, ...foreign];
}

function foreignLines({ id, number, holder, subjects }: ForeignNumber, consent: Consent, verifier: Part): readonly Said[] {
  const { definition } = number;
  const [low, high] = [valueText(definition, definition.minimum), valueText(definition, definition.maximum)];
  const departments = joined(number.departments, JOINT.and);
  const asked = new Map(consent.branch.pseudonyms.map((each) => [each.id, each.subject]));
  const compared = subjects.flatMap(({ here }) => {
    const subject = asked.get(here) ?? null;
    if (subject === null) return [];
    return [said("fact", say(JOINT.same_subject, { verifier, operand: namedOperand(subject, consent.reading) }))];
  });
  return [
    said("pseudonym", say(JOINT.counted, { id, verifier, departments, low, high })),
    said("pseudonym", say(JOINT.belongs, { verifier })),
    said("fact", say(holder === null ? JOINT.holders_waived : JOINT.two_holders, { verifier })),
    ...compared,
  ];
}
