// What an offer takes that is read and told before it is claimed: loaded when one is opened, and not to go on with claims.

export { answerOffer, offerWay, plannedForOffer } from "../showing/offers.js";
export { departmentsOf } from "../showing/views.js";
export { offerOf } from "../telling/views.js";
export { offeredOf } from "./offers.js";
