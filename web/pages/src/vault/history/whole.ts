// What became of what was shown: loaded when it is first wanted.
export { anchor } from "./anchoring.js";
export { receiptOf, useOf, usesOf } from "./uses.js";
