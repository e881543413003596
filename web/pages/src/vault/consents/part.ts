// Standing consents at the service of the page (prover/client/consents.py): terms told and answered, what is held, withdrawal.

import { create, toBinary } from "@bufbuild/protobuf";
import { ed25519 } from "@noble/curves/ed25519.js";

import { equal } from "../../../../prover/src/bbs/octets.js";
import {
  DeclineConsentRequestSchema, GrantConsentRequestSchema, WithdrawConsentRequestSchema,
} from "../../../gen/zkproto/v1/consent_pb.js";
import { utf8 } from "../../ledger/encoding.js";
import { sameKey, verifierText } from "../../ledger/keys.js";
import { type Link, writeLink } from "../../scan/links.js";
import { faultOf, VaultError } from "../fault.js";
import type { ConsentView, LimitsView, StandingView } from "../model.js";
import type { Opened } from "../parts.js";
import { isOtherKey } from "../reading/following.js";
import { answerTo, departmentsNamed, trackRecord, waysOf } from "../showing/answering.js";
import { triedEvent } from "../showing/decline.js";
import { beginEvent, type Event, eventsIn, type MakeCall, newId } from "../showing/events.js";
import { checkServer } from "../showing/fetch.js";
import type { Holdings } from "../showing/holdings.js";
import { type EventKind, MAX_DETAIL_OCTETS } from "../showing/notes.js";
import { type Outgoing, sendEvent, wasWrittenDown } from "../showing/sending.js";
import type { Draft } from "../store/store.js";
import { askerOf } from "../telling/asker.js";
import { dateText, plain } from "../telling/saying.js";
import { consentIn, consentsIn, type HeldConsent, knownAs, putConsent, removeConsent } from "./records.js";
import { type FetchedTerms, fetchTerms } from "./terms.js";

const SERVICE = "/zkproto.v1.ConsentService";
const NOT_GRANTED = "CONSENT_NOT_GRANTED";
const ANSWERED = "CONSENT_ANSWERED";

/** Terms that are open, and whether an answer could be given today. */
interface Asked {
  readonly fetched: FetchedTerms;
  readonly fits: boolean;
}

/** What an event of a consent is about. */
type About = Pick<HeldConsent, "link" | "terms" | "called">;

export class ConsentPart {
  readonly #asked = new Map<string, Asked>();

  /** `server` is host:port of the service that this page speaks to. */
  constructor(
    private readonly opened: Opened, private readonly holdings: Holdings, private readonly server: () => Promise<string>,
    private readonly outgoing: Outgoing,
  ) {}

  /**
   * The terms of a link, with what one answer would show as of today. Of several ways to answer that is the first: no other is
   * taken without asking. VaultError LINK_ELSEWHERE; RefusedError REQUEST_EXPIRED, REQUEST_NOT_YET_VALID; errors as
   * `fetchTerms` and `planned`.
   */
  async open(link: Link): Promise<ConsentView> {
    checkServer(link, await this.server());
    const fetched = await fetchTerms(this.opened, link);
    const { terms, verifier, policy } = fetched;
    const now = this.opened.now();
    terms.checkOffered(now);
    const created = Math.floor(now);
    const request = terms.sample(created, terms.expires - created);
    const departments = await departmentsNamed(this.opened, request);
    const answer = await answerTo(this.opened, this.holdings, { request, states: undefined });
    const record = await trackRecord(this.opened, terms.verifier);
    const [way] = waysOf(answer, verifier.displayName, departments);
    if (way === undefined) throw new VaultError("ANSWER_INVALID", "the terms have no way to answer");
    const id = crypto.randomUUID();
    this.#asked.set(id, { fetched, fits: way.missing.length === 0 });
    // What is told as its end is until when the consent itself can be granted.
    const asker = askerOf({ ...aboutOf(terms), expires: terms.expires }, verifier.displayName, { policy, record });
    return { kind: "consent", id, asker, way, limits: limitsOf(terms), ends: terms.expires * 1000 };
  }

  /** Whether terms are open under this identifier. */
  has(id: string): boolean {
    return this.#asked.has(id);
  }

  /**
   * Grant what was told. It is stored before it goes out; what could not be sent is sent by `settle`. VaultError REQUEST_CLOSED,
   * NOTHING_FITS, CONSENT_ANSWERED (withdrawn, or put back from a file of before); RefusedError REQUEST_MISMATCH (other terms are
   * held under this name); ConnectError where the service refuses for good: then the consent is not kept; errors as `sendEvent` where
   * what came as its receipt does not hold: the consent is stored, and nothing is answered under it before there is one.
   */
  async grant(id: string): Promise<StandingView> {
    const asked = this.#found(id);
    if (!asked.fits) throw new VaultError("NOTHING_FITS", "an answer could not be given today");
    this.#asked.delete(id); // a second tap grants nothing
    let granted: readonly [HeldConsent, Event];
    try {
      granted = await this.#granted(asked.fetched);
    } catch (error) {
      this.#asked.set(id, asked);
      throw error;
    }
    const [held, event] = granted;
    try {
      await sendEvent(this.opened, event, this.outgoing);
    } catch (error) {
      // What does not hold is told, though `settle` goes on with it; under the log's next key it may hold there.
      if (wasWrittenDown(error) || !(faultOf(error).passing || isOtherKey(error))) throw error;
    }
    return this.#standing(held.id);
  }

  /** Say no; it is told to the service now or by `settle`. VaultError REQUEST_CLOSED. */
  async decline(id: string): Promise<void> {
    const { fetched } = this.#found(id);
    this.#asked.delete(id);
    const about = { link: fetched.link, terms: fetched.terms, called: fetched.verifier.displayName };
    const { name: consent, secret: ticket } = fetched.link;
    const make: MakeCall = (requestId, holderNote) => {
      const message = create(DeclineConsentRequestSchema, { consent, ticket, holderNote, requestId });
      return { method: `${SERVICE}/DeclineConsent`, message: toBinary(DeclineConsentRequestSchema, message), session: "" };
    };
    const event = await this.opened.store.change((draft) => this.#event(draft, "consent-declined", about, make));
    await triedEvent(this.opened, event, this.outgoing);
  }

  /** All consents, the newest terms first. StoreError VAULT_DAMAGED. */
  standing(): Promise<readonly StandingView[]> {
    return this.opened.store.read(async (draft) => {
      const events = await eventsIn(draft);
      return (await consentsIn(draft)).reverse().map((each) => standingView(each, events, this.opened.now()));
    });
  }

  /**
   * Withdraw a consent: this vault answers nothing of it from now on, the service from when it is told, which is now or by
   * `settle`. VaultError CONSENT_NOT_FOUND.
   */
  async withdraw(id: string): Promise<StandingView> {
    const event = await this.opened.store.change(async (draft) => {
      const held: HeldConsent = { ...(await consentIn(draft, id)), state: "withdrawn" };
      putConsent(draft, held);
      const consent = held.link.name;
      return this.#event(draft, "consent-withdrawn", held, (requestId, holderNote) => {
        const message = create(WithdrawConsentRequestSchema, { consent, holderNote, requestId });
        const octets = toBinary(WithdrawConsentRequestSchema, message);
        return { method: `${SERVICE}/WithdrawConsent`, message: octets, session: consent };
      });
    });
    await triedEvent(this.opened, event, this.outgoing);
    return this.#standing(id);
  }

  /**
   * Forget a consent whose grant the service refused, within the use case that writes that down. One that it took before stays;
   * one that something was answered under, or that was withdrawn, is withdrawn: a service may refuse what it has taken, so what
   * was counted is not forgotten for it, and a withdrawal that is on its way goes out.
   */
  async ended(draft: Draft, event: Event, answer: unknown): Promise<void> {
    if (event.note.kind !== "consent-granted" || answer !== null) return;
    const { digest } = event.note;
    const about = (await eventsIn(draft)).filter((each) => each.id !== event.id && equal(each.note.digest, digest));
    if (about.some(({ note, state }) => note.kind === "consent-granted" && state !== "refused")) return;
    const held = (await consentsIn(draft)).find(({ terms }) => equal(terms.digest, digest));
    if (held === undefined || held.state === "recovered") return;
    if (held.state === "granted" && held.uses.length === 0) removeConsent(draft, held);
    else putConsent(draft, { ...held, state: "withdrawn" });
  }

  /** Why an event has nothing to say where its session's key is not known: what was never granted cannot be withdrawn. */
  async moot(draft: Pick<Draft, "list">, event: Event): Promise<string | null> {
    if (event.note.kind !== "consent-withdrawn") return null;
    const { digest } = event.note;
    const grants = (await eventsIn(draft)).filter(({ note }) => note.kind === "consent-granted" && equal(note.digest, digest));
    return grants.length > 0 && grants.every(({ state }) => state === "refused") ? NOT_GRANTED : null;
  }

  #found(id: string): Asked {
    const asked = this.#asked.get(id);
    if (asked === undefined) throw new VaultError("REQUEST_CLOSED", "the terms are no longer open: open their link again");
    return asked;
  }

  #standing(id: string): Promise<StandingView> {
    return this.opened.store.read(async (draft) =>
      standingView(await consentIn(draft, id), await eventsIn(draft), this.opened.now()));
  }

  /** Store a consent and the event that grants it; one that is there already is gone on with. */
  async #granted({ link, signed, terms, verifier }: FetchedTerms): Promise<readonly [HeldConsent, Event]> {
    const { store, log } = this.opened;
    const publicKey = ed25519.getPublicKey(await store.uses.consentSeed(verifierText(log), link.name, terms.digest));
    return store.change(async (draft) => {
      const fresh: HeldConsent = {
        id: newId(), state: "granted", link, called: verifier.displayName, signed, terms, uses: [], log,
      };
      const held = knownAs(await consentsIn(draft), link, terms) ?? fresh;
      if (held.state !== "granted") throw new VaultError(ANSWERED, "these terms were answered before, and are over");
      putConsent(draft, held);
      const event = await this.#event(draft, "consent-granted", held, (requestId, holderNote) => {
        // Of a first grant, and of one after a refusal: by then it may be under another key.
        if (held.log === null || !sameKey(held.log, log)) putConsent(draft, { ...held, log: null });
        const message = create(GrantConsentRequestSchema, {
          consent: link.name, ticket: link.secret, publicKey, holderNote, requestId,
        });
        return { method: `${SERVICE}/GrantConsent`, message: toBinary(GrantConsentRequestSchema, message), session: "" };
      });
      return [held, event] as const;
    });
  }

  #event(draft: Draft, kind: EventKind, { link, terms, called }: About, make: MakeCall): Promise<Event> {
    const detail = kind === "consent-declined" ? "" : detailOf(link);
    const { purpose: title } = terms.asked;
    const note = {
      kind, party: terms.verifier, title, digest: terms.digest, time: Math.floor(this.opened.now() * 1000), detail,
    };
    return beginEvent(this.opened.store, draft, { note, called, server: link.server }, make);
  }
}

const aboutOf = ({ asked: { verifier, purpose } }: FetchedTerms["terms"]) => ({ verifier, purpose });

/** A link as an event's detail: nothing where a server's name is so long that there is no room (prover/notes.py). */
export function detailOf(link: Link): string {
  const written = writeLink(link);
  return utf8(written).length <= MAX_DETAIL_OCTETS ? written : "";
}

function limitsOf({ times, intervalDays, until }: HeldConsent["terms"]): LimitsView {
  return { times, intervalDays, until: dateText(until).en };
}

function standingView(held: HeldConsent, events: readonly Event[], now: number): StandingView {
  const { id, state, called, terms, uses } = held;
  const waits = (kind: EventKind) =>
    events.some((each) => each.state === "sent" && each.note.kind === kind && equal(each.note.digest, terms.digest));
  const isOver = state === "granted" && (terms.isOver(now) || uses.length >= terms.times);
  return {
    id, verifier: terms.verifier, verifierName: plain(called), purpose: plain(terms.asked.purpose), limits: limitsOf(terms),
    state: isOver ? "ended" : state, used: uses.length, granting: waits("consent-granted"),
    withdrawing: waits("consent-withdrawn"),
  };
}
