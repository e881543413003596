// The consent screen of the composite form (prover/composite/sentences.py). What is proven is said in sentences that follow
// from predicate and schema, so a person reads what the proof says and nothing else.

import { hex } from "../../../../prover/src/bbs/octets.js";
import type { EscrowQuery, PseudonymQuery } from "../../../../prover/src/composite/outputs.js";
import { operandsOf, ownOperands } from "../../../../prover/src/composite/predicates.js";
import type { Value } from "../../../../prover/src/disclosure/attributes.js";
import type { Text } from "../model.js";
import { clause, equalSentence, exactly, sumSentence } from "./clauses.js";
import { earlierTexts } from "./earlier.js";
import { jointLines } from "./joint.js";
import { over, type Said, said, type Style } from "./said.js";
import { dateText, joined, momentText, type Part, plain, say, same, valueText } from "./saying.js";
import { settledValues } from "./settling.js";
import { SENTENCES } from "./texts.js";
import { type Consent, credentialFor, type ToldAttribute, type ToldCredential, type Treatment } from "./told.js";

const BETWEEN: Text = { zh: "；", en: "; " };

/** The lines of one credential, and those of all together, of pseudonyms and of sums across holders. */
export interface Screen {
  readonly credentials: readonly (readonly Said[])[];
  readonly whole: readonly Said[];
}

/** What a consent says, without who asks. */
export function screenOf(consent: Consent): Screen {
  return new Writer(consent).screen();
}

class Writer {
  readonly #verifier: Text;
  readonly #settled: ReadonlyMap<string, Value>;

  constructor(private readonly consent: Consent) {
    this.#verifier = plain(consent.verifierName);
    this.#settled = settledValues(consent.branch, consent.reading);
  }

  screen(): Screen {
    return {
      credentials: this.consent.credentials.map((each) => this.#credential(each)),
      whole: [...this.#together(), ...this.#pseudonyms(), ...jointLines(this.consent)],
    };
  }

  #credential(told: ToldCredential): readonly Said[] {
    const { expiry } = told.answered;
    const verifier = this.#verifier;
    return [
      said("section", say(SENTENCES.credential, { schema: plain(told.schema.displayName) })),
      over(say(SENTENCES.sees, { verifier })),
      ...treated(told, "shown").map(shownLine),
      ...this.#givenAway(told).map((each) => this.#attribute("revealed", each)),
      ...(expiry === null ? [] : [said("revealed", say(SENTENCES.expiry, { date: dateText(expiry) }))]),
      said("revealed", say(SENTENCES.issuer, { department: this.#department(told) })),
      ...this.#proven(told),
      ...this.#others(told, "escrowed", SENTENCES.escrows),
      ...this.#others(told, "hidden", SENTENCES.hides),
      ...choices(told),
    ];
  }

  #others(told: ToldCredential, treatment: "escrowed" | "hidden", heading: Text): readonly Said[] {
    const found = treated(told, treatment);
    if (found.length === 0) return [];
    return [over(say(heading)), ...found.map((each) => this.#attribute(treatment, each))];
  }

  #proven(told: ToldCredential): readonly Said[] {
    const givenAway = this.#givenAway(told);
    const proven = treated(told, "proven").filter((each) => !givenAway.includes(each));
    const { expiry } = told.query;
    const day = expiry.kind === "valid-on" ? [say(SENTENCES.valid_on, { date: dateText(expiry.day) })] : [];
    return [
      over(say(SENTENCES.proves, { verifier: this.#verifier })),
      ...proven.map((each) => this.#attribute("proven", each)),
      ...day.map((each) => said("proven", each)),
      revocation(told),
    ];
  }

  /** What is proven so that only one value is left: it stands among what is seen. */
  #givenAway(told: ToldCredential): readonly ToldAttribute[] {
    return treated(told, "proven").filter(({ operand }) => this.#settled.has(operand.id));
  }

  /** Tells one attribute once: by its name, and what is done with it where anything is. */
  #attribute(style: Style, each: ToldAttribute): Said {
    const clauses = [
      ...this.#clauses(each),
      ...each.escrows.map((escrow) => this.#regulator(escrow).regulator),
      ...(each.pseudonyms.length > 0 ? [say(SENTENCES.in_pseudonym)] : []),
      ...(each.commitments.length > 0 ? [say(SENTENCES.in_commitment)] : []),
    ];
    const attribute = plain(each.attribute.displayName);
    if (clauses.length === 0) return said(style, say(SENTENCES.item, { attribute }));
    return said(style, say(SENTENCES.proven, { attribute, clauses: joined(clauses, BETWEEN) }));
  }

  /** What is proven of an attribute; of a value that is given away, that it is. */
  #clauses({ attribute, operand, predicates }: ToldAttribute): readonly Text[] {
    const settled = this.#settled.get(operand.id);
    const told = predicates.filter((each) => {
      const alone = operandsOf(each).length === 1;
      return each.kind !== "equal" && !(alone && settled !== undefined);
    });
    return [
      ...(settled === undefined ? [] : [exactly(attribute, settled)]),
      ...(predicates.some(({ kind }) => kind === "equal") ? [say(SENTENCES.in_equal)] : []),
      ...told.map((each) => clause(each, operand, this.consent.reading)),
    ];
  }

  #together(): readonly Said[] {
    const { branch, branches, earlier } = this.consent;
    const several = say(SENTENCES.branch, { count: branches, branch: branch.id });
    return [
      said("section", say(SENTENCES.together)),
      said("proven", say(SENTENCES.one_holder)),
      ...this.#ofSeveral().map((each) => said("proven", each)),
      ...(branches > 1 ? [said("fact", several)] : []),
      ...earlierTexts(earlier).map((each) => said("fact", each)),
      ...branch.escrows.flatMap((each) => this.#escrow(each)),
    ];
  }

  /** What is proven of several attributes at once. */
  #ofSeveral(): readonly Text[] {
    const { branch, reading } = this.consent;
    return branch.predicates.flatMap((predicate) => {
      const givenAway = ownOperands(predicate).some(({ id }) => this.#settled.has(id));
      if (predicate.kind === "equal") return [equalSentence(predicate, reading, givenAway)];
      const several = predicate.kind === "sum" && predicate.terms.length > 1;
      return several ? [sumSentence(predicate, reading, givenAway)] : [];
    });
  }

  #escrow(escrow: EscrowQuery): readonly Said[] {
    const { schema } = credentialFor(this.consent, escrow.operand.query);
    const attribute = plain(schema.attribute(escrow.operand.attribute).displayName);
    const about = { schema: plain(schema.displayName), attribute, ...this.#regulator(escrow) };
    const power = say(SENTENCES.escrow_power, { verifier: this.#verifier });
    return [said("escrowed", say(SENTENCES.escrow, about)), said("escrowed", power)];
  }

  #regulator({ regulator }: EscrowQuery): { readonly regulator: Text; readonly name: string } {
    const known = this.consent.facts.regulators.get(hex(regulator));
    if (known === undefined) return { regulator: say(SENTENCES.unknown_regulator), name: hex(regulator) };
    return { regulator: plain(known.displayName), name: known.name };
  }

  #pseudonyms(): readonly Said[] {
    const { pseudonyms } = this.consent.branch;
    if (pseudonyms.length === 0) return [];
    return [
      said("section", say(SENTENCES.pseudonyms)),
      ...pseudonyms.flatMap((each) => this.#pseudonym(each)),
      ...this.#linked(pseudonyms),
    ];
  }

  #pseudonym({ scope, subject }: PseudonymQuery): readonly Said[] {
    const joint = scope.kind === "joint";
    const who: Part = joint ? joined(scope.members, SENTENCES.and) : this.#verifier;
    const values = { who, label: scope.label, purpose: joint ? plain(scope.purpose) : "" };
    if (subject === null) {
      return [said("pseudonym", say(joint ? SENTENCES.me_joint : SENTENCES.me, values))];
    }
    const told = credentialFor(this.consent, subject.query);
    const attribute = plain(told.schema.attribute(subject.attribute).displayName);
    const about = { ...values, schema: plain(told.schema.displayName), attribute };
    return [
      said("pseudonym", say(joint ? SENTENCES.subject_joint : SENTENCES.subject, about)),
      said("pseudonym", say(SENTENCES.chooser, { department: this.#department(told) })),
    ];
  }

  /** Tells what no single pseudonym says: whoever gets several at once can put them together. */
  #linked(pseudonyms: readonly PseudonymQuery[]): readonly Said[] {
    if (pseudonyms.length < 2) return [];
    const names = [...new Set(pseudonyms.map(({ scope }) => scope.label))];
    const labels = joined(names.map((label) => say(SENTENCES.label, { label })), SENTENCES.and);
    return [said("pseudonym", say(SENTENCES.linked, { verifier: this.#verifier, labels }))];
  }

  #department({ schema }: ToldCredential): Text {
    return departmentText(schema.name.department, this.consent.departments);
  }
}

/** A department by the name that people have for it, with its resource name, or by that alone. */
export function departmentText(department: string, known: Consent["departments"]): Text {
  const name = `departments/${department}`;
  const called = known.get(name);
  return called === undefined ? same(name) : { zh: `${called.zh} (${name})`, en: `${called.en} (${name})` };
}

function shownLine({ attribute, value }: ToldAttribute): Said {
  const parts = { attribute: plain(attribute.displayName), value: valueText(attribute, value) };
  const line = said("revealed", say(SENTENCES.value, parts));
  return { ...line, shown: { name: say(SENTENCES.item, parts), value: parts.value } };
}

/** Whether it holds as of the newest epoch is not known before the person has agreed. */
function revocation({ answered }: ToldCredential): Said {
  if (answered.behind) return said("fact", say(SENTENCES.behind));
  if (answered.epoch === null) return said("fact", say(SENTENCES.waived));
  return said("proven", say(SENTENCES.unrevoked, { time: momentText(answered.epoch) }));
}

function choices({ query, schema }: ToldCredential): readonly Said[] {
  const keys = new Set(query.issuers.map(({ key }) => key.text)).size;
  const registers = new Set(
    query.issuers.map(({ revocation }) => (revocation === null ? "" : hex(revocation.accumulator))),
  ).size;
  const told: Text[] = [];
  if (query.schemas.length > 1) {
    told.push(say(SENTENCES.schemas, { count: query.schemas.length, name: schema.name.text }));
  }
  if (keys > 1) told.push(say(SENTENCES.keys, { count: keys }));
  if (registers > 1) told.push(say(SENTENCES.registers, { count: registers }));
  return told.map((each) => said("fact", each));
}

function treated({ attributes }: ToldCredential, treatment: Treatment): readonly ToldAttribute[] {
  return attributes.filter((each) => each.treatment === treatment);
}
