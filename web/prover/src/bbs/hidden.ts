/** What is secret shows nothing of itself: not as text, not as JSON, not in a console. */

const INSPECT = Symbol.for("nodejs.util.inspect.custom");

/** The base of classes whose values are secret; they keep these in private fields. */
export abstract class Hidden {
  toString(): string {
    return `${this.constructor.name}(<hidden>)`;
  }

  toJSON(): string {
    return this.toString();
  }

  [INSPECT](): string {
    return this.toString();
  }
}
