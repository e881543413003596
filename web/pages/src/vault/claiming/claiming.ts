// Credentials from an offer's link to the vault (prover/client/claims.py). A claim is three calls: what the offer asks for,
// the claim, the acknowledgement after which the service forgets. What goes out is stored first, what comes back is checked
// before it is kept; whatever breaks off between them is gone on with from what is stored.

import { create, type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";

import { acceptCredential, askForCredential } from "../../../../prover/src/composite/issuance.js";
import { PublishedAccumulator } from "../../../../prover/src/composite/directory.js";
import { MalformedError } from "../../../../prover/src/disclosure/errors.js";
import { SchemaName } from "../../../../prover/src/disclosure/names.js";
import type { Schema } from "../../../../prover/src/disclosure/schema.js";
import { checkLifetime } from "../../../../prover/src/disclosure/lifetime.js";
import { checkCredential } from "../../../../prover/src/plain/credential.js";
import {
  ClaimCompositeCredentialRequestSchema, type ClaimCompositeCredentialResponse, ClaimCredentialRequestSchema,
} from "../../../gen/zkproto/v1/issuance_pb.js";
import type { Link } from "../../scan/links.js";
import { faultOf, loaded, refusal, VaultError } from "../fault.js";
import { addComposite, addPlain, type KeptHoldings } from "../holding/holdings.js";
import { holderSecret } from "../identity.js";
import type { CredentialView, OfferView, WayView } from "../model.js";
import type { Opened, Standing } from "../parts.js";
import { issuance } from "../reading/clients.js";
import type { Departments } from "../showing/answer.js";
import { type ClaimUse, putClaimUse } from "../showing/claim_uses.js";
import { newId } from "../showing/events.js";
import { checkServer } from "../showing/fetch.js";
import type { CompositePlan } from "../showing/plan.js";
import { StoreError } from "../store/errors.js";
import { type Claim, claimsIn, type Committed, endClaim, keepClaim, putClaim } from "./claims.js";
import { ENDS } from "./ends.js";
import { issuedOf, namedBy, plainOf, witnessOf } from "./issued.js";
import type { CompositeOffered, Offered } from "./offers.js";

/** What was shown does not say what the department wants: another credential of the kind may. */
const asking = () => loaded(() => import("./asking.js"));
const MISMATCH = "REQUIRED_MISMATCH";

interface Asked {
  readonly link: Link;
  readonly offered: Offered;
  /** How the department would be shown what it wants; null where it wants nothing. */
  readonly plan: CompositePlan | null;
  /** Whether it was under way when it was opened: what is offered was not read again. */
  readonly resumed: boolean;
}

export class Claiming {
  readonly #asked = new Map<string, Asked>();
  /** By offer, the credentials that its department was shown and that do not say what it wants. */
  readonly #tried = new Map<string, readonly string[]>();

  /** `server` is host:port of the service that this page speaks to. */
  constructor(
    private readonly opened: Opened, private readonly holdings: KeptHoldings, private readonly server: () => Promise<string>,
  ) {}

  /** What a link offers, and what its department is shown first. VaultError LINK_ELSEWHERE; errors as `offeredOf`. */
  async open(link: Link): Promise<OfferView> {
    checkServer(link, await this.server());
    const before = await this.#underWay(link);
    if (before !== undefined) return this.#goneOnWith(link, before);
    const { offeredOf } = await asking();
    const offered = await offeredOf(this.opened, await issuance.getOffer({ offer: link.name, claimCode: link.secret }));
    return this.#view(crypto.randomUUID(), link, offered, await this.#planned(link, offered));
  }

  /**
   * The same offer once its department has refused what it was shown: what it would be shown instead. VaultError
   * REQUEST_CLOSED, NOTHING_FITS (the vault has no other credential of that kind).
   */
  async again(id: string): Promise<OfferView> {
    const asked = this.#asked.get(id);
    if (asked === undefined) throw closed();
    if (asked.resumed) return this.open(asked.link);
    const tried = this.#tried.get(asked.link.name) ?? [];
    const plan = await this.#planned(asked.link, asked.offered);
    if (plan === null || shownBy(plan).some((each) => tried.includes(each))) {
      throw new VaultError("NOTHING_FITS", "the vault has no other credential of this kind");
    }
    return this.#view(id, asked.link, asked.offered, plan);
  }

  async #planned({ name }: Link, { composite }: Offered): Promise<CompositePlan | null> {
    const request = composite?.request ?? null;
    if (request === null) return null;
    return (await asking()).plannedForOffer(this.opened, this.holdings, request, this.#tried.get(name) ?? []);
  }

  /** What the person is shown of an offer, and only then what is shown by it to the department: the two are one. */
  async #view(id: string, link: Link, offered: Offered, plan: CompositePlan | null): Promise<OfferView> {
    const { department, departmentName, schema } = offered;
    const { offerOf } = await asking();
    const view = offerOf(id, department, departmentName, schema, plan === null ? null : await this.#way(plan, offered));
    this.#asked.set(id, { link, offered, plan, resumed: false });
    return view;
  }

  /** What was agreed to before and is under way is not asked again: it is gone on with as it was stored. */
  async #goneOnWith(link: Link, { schema: name }: Claim): Promise<OfferView> {
    const schema = await this.opened.reader.schema(SchemaName.parse(name));
    const department = `departments/${schema.name.department}`;
    const offered = { department, departmentName: await this.opened.reader.departmentName(department), schema, composite: null };
    const id = crypto.randomUUID();
    this.#asked.set(id, { link, offered, plan: null, resumed: true });
    return (await asking()).offerOf(id, department, offered.departmentName, schema, null);
  }

  /**
   * Claim what was offered, once the person has agreed, and keep it. A claim of the same offer that is under way is gone on
   * with. VaultError REQUEST_CLOSED, NOTHING_FITS, SCHEMA_CHANGED; errors as `acceptCredential`; what the service refuses.
   */
  async claim(id: string): Promise<CredentialView> {
    const asked = this.#asked.get(id);
    if (asked === undefined) throw closed();
    this.#asked.delete(id); // a second tap claims nothing
    try {
      return await this.holdings.view(await this.#finished(await this.#begun(asked)));
    } catch (error) {
      this.#asked.set(id, asked);
      if (refusal(error) === MISMATCH) this.#wasTried(asked);
      throw error;
    }
  }

  #wasTried({ link: { name }, plan }: Asked): void {
    if (plan !== null) this.#tried.set(name, [...(this.#tried.get(name) ?? []), ...shownBy(plan)]);
  }

  /** Go on with all claims at this service; the first failure is thrown after all were gone on with. */
  async resume(): Promise<void> {
    const server = await this.server();
    const failures: unknown[] = [];
    for (const claim of await this.opened.store.read(claimsIn)) {
      if (claim.server !== server) continue;
      try {
        await this.#finished(claim);
      } catch (error) {
        if (faultOf(error).passing) throw error;
        if (!ENDS.has(refusal(error) ?? "")) failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  /** How many claims are not acknowledged. */
  async unsent(): Promise<number> {
    return (await this.opened.store.read(claimsIn)).length;
  }

  async #way(plan: CompositePlan, { departmentName }: Offered): Promise<WayView> {
    return (await asking()).offerWay(plan, departmentName, await this.#departments(plan));
  }

  async #departments({ request }: CompositePlan): Promise<Departments> {
    const { departmentsOf } = await asking();
    return new Map(await Promise.all(departmentsOf(request).map(async (name) =>
      [name, await this.opened.reader.departmentName(name)] as const)));
  }

  /** Store a claim before it is sent, or find the one that is under way for the same offer. */
  async #begun({ link, offered, plan, resumed }: Asked): Promise<Claim> {
    const before = await this.#underWay(link);
    if (before !== undefined) return before;
    if (resumed) throw closed(); // it has ended meanwhile: what is offered has to be read and agreed to again
    const { composite, schema } = offered;
    if (composite === null) return this.#stored(this.#plainMessage(link, schema));
    if (plan !== null) return this.#shown(link, composite, offered, plan);
    const { terms, issuerKey, revokes } = composite;
    return this.opened.store.change(async (draft) => {
      const already = (await claimsIn(draft)).find((each) => isOf(each, link));
      if (already !== undefined) return already;
      const { commitment, pending } = askForCredential(terms, await holderSecret(draft), schema, issuerKey);
      const answer = { case: "commitment" as const, value: commitment };
      const made = claimOf(link, schema, this.#now(), (requestId) => toBinary(ClaimCompositeCredentialRequestSchema,
        create(ClaimCompositeCredentialRequestSchema, { ...about(link, requestId), answer })));
      return putClaim(draft, { ...made, committed: { pending, schema, issuerKey, revokes } });
    });
  }

  async #shown(
    link: Link, { issuerKey, revokes }: CompositeOffered, { schema, departmentName }: Offered, plan: CompositePlan,
  ): Promise<Claim> {
    const departments = await this.#departments(plan);
    const { answerOffer } = await asking();
    const { message, pending, use } = await answerOffer(this.opened, this.holdings, plan, departmentName, departments);
    const answer = { case: "presentation" as const, value: message };
    const made = claimOf(link, schema, this.#now(), (requestId) => toBinary(ClaimCompositeCredentialRequestSchema,
      create(ClaimCompositeCredentialRequestSchema, { ...about(link, requestId), answer })));
    return this.#stored({ ...made, committed: { pending, schema, issuerKey, revokes } }, use);
  }

  #plainMessage(link: Link, schema: Schema): Claim {
    return claimOf(link, schema, this.#now(), (requestId) =>
      toBinary(ClaimCredentialRequestSchema, create(ClaimCredentialRequestSchema, about(link, requestId))));
  }

  #stored(made: Claim, use: ClaimUse | null = null): Promise<Claim> {
    return this.opened.store.change(async (draft) => {
      const before = (await claimsIn(draft)).find(({ server, offer }) => server === made.server && offer === made.offer);
      if (before !== undefined) return before;
      if (use !== null) putClaimUse(draft, use);
      return putClaim(draft, made);
    });
  }

  async #underWay(link: Link): Promise<Claim | undefined> {
    return (await this.opened.store.read(claimsIn)).find((each) => isOf(each, link));
  }

  /** Take a claim as far as it goes; returns the held credential's identifier. */
  async #finished(claim: Claim): Promise<string> {
    const credential = claim.credential ?? (await this.#received(claim));
    const { offer, code: claimCode, requestId } = claim;
    try {
      await issuance.acknowledgeCredential({ offer, claimCode, requestId });
    } catch (error) {
      // It is kept; that the service is to forget is said again by `resume`, unless it will not hear of it.
      if (refusal(error) === null) return credential;
    }
    await this.opened.store.change(async (draft) => endClaim(draft, claim));
    return credential;
  }

  #received(claim: Claim): Promise<string> {
    return claim.committed === null ? this.#plain(claim) : this.#composite(claim, claim.committed);
  }

  /** Make the call of a claim. What the service says of the claim may end it; what it says of anything else does not. */
  async #claimed<Answer>(claim: Claim, call: () => Promise<Answer>): Promise<Answer> {
    try {
      return await call();
    } catch (error) {
      if (ENDS.has(refusal(error) ?? "")) await this.opened.store.change(async (draft) => endClaim(draft, claim));
      throw error;
    }
  }

  async #plain(claim: Claim): Promise<string> {
    const { reader, store, now } = this.opened;
    const asked = asStored(ClaimCredentialRequestSchema, claim.message);
    const { credential: message } = await this.#claimed(claim, () => issuance.claimCredential(asked));
    if (message === undefined) throw new VaultError("ANSWER_INVALID", "the service answered without a credential");
    const [name, key] = namedBy(message);
    if (name.text !== claim.schema) throw new VaultError("ANSWER_INVALID", "the credential is another than was offered");
    const [schema, issuerKey] = [await reader.schema(name), await reader.issuerKey(key)];
    const credential = checkLifetime(checkCredential(plainOf(message, schema), schema, issuerKey), schema, now());
    return store.change(async (draft) => {
      const id = await addPlain(draft, { id: newId(), credential, schema, issuerKey, received: this.#now() });
      await keepClaim(draft, claim, id);
      return id;
    });
  }

  async #composite(claim: Claim, committed: Committed): Promise<string> {
    const { store, now } = this.opened;
    const { pending, schema, issuerKey } = committed;
    const asked = asStored(ClaimCompositeCredentialRequestSchema, claim.message);
    const answer = await this.#claimed(claim, () => issuance.claimCompositeCredential(asked));
    const standing = await this.#standing(committed, answer);
    const secret = await store.change(holderSecret);
    const issued = issuedOf(answer, schema);
    const published = standing.published;
    const witness = standing.kept?.witness ?? null;
    const credential = acceptCredential(pending, issued, secret, schema, issuerKey, published, witness, now());
    return store.change(async (draft) => {
      const made = { id: newId(), credential, schema, issuerKey, received: this.#now(), standing: standing.kept };
      const id = await addComposite(draft, made);
      await keepClaim(draft, claim, id);
      return id;
    });
  }

  /**
   * The list as it is published, and the witness that came, which is not verified yet. If the department had a list when the
   * claim was begun, one counts also without a witness, which is then missing: that it had none is to be true, and not only
   * said.
   */
  async #standing(
    { pending, revokes }: Committed, answer: ClaimCompositeCredentialResponse,
  ): Promise<{ readonly published: PublishedAccumulator | null; readonly kept: Standing | null }> {
    const { reader } = this.opened;
    const department = `departments/${pending.terms.schema.department}`;
    const lists = await reader.lists(department);
    if (revokes && lists.length === 0) throw gone("the department's accumulator is gone");
    if (answer.accumulator === "") {
      const oldest = lists.at(-1);
      if (!revokes || oldest === undefined) return { published: null, kept: null };
      const epochs = [await reader.newestEpoch(oldest)];
      return { published: new PublishedAccumulator(department, oldest.key, epochs), kept: null };
    }
    const list = lists.find(({ name }) => name === answer.accumulator);
    if (list === undefined) throw gone("the accumulator is not the department's");
    const epoch = await reader.epoch(list, answer.epoch);
    const published = new PublishedAccumulator(department, list.key, [epoch]);
    return { published, kept: { list, epoch, witness: witnessOf(answer, list), revoked: false } };
  }

  #now(): number {
    return Math.floor(this.opened.now() * 1000);
  }
}

const about = ({ name, secret }: Link, requestId: string) => ({ offer: name, claimCode: secret, requestId });

const isOf = (claim: Claim, { server, name }: Link): boolean => claim.server === server && claim.offer === name;

function claimOf(
  { server, name, secret }: Link, schema: Schema, begun: number, message: (requestId: string) => Uint8Array,
): Claim {
  const requestId = crypto.randomUUID();
  const made = { id: newId(), server, offer: name, code: secret, schema: schema.name.text, requestId, begun };
  return { ...made, message: message(requestId), committed: null, credential: null };
}

/** The message that is stored; what another program wrote, and this one would send otherwise, is not sent. */
function asStored<Desc extends DescMessage>(schema: Desc, stored: Uint8Array): MessageShape<Desc> {
  const message = fromBinary(schema, stored);
  const again = toBinary(schema, message);
  if (again.length === stored.length && again.every((each, at) => each === stored[at])) return message;
  throw new StoreError("VAULT_DAMAGED", "what is stored cannot be sent by this program");
}

const shownBy = (plan: CompositePlan): readonly string[] => [...plan.chosen.chosen.values()].map(({ id }) => id);

const closed = (): VaultError => new VaultError("REQUEST_CLOSED", "the offer is no longer open: open its link again");
const gone = (detail: string): MalformedError => new MalformedError("MALFORMED", detail, "accumulator");
