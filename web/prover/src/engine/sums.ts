// Sums of bases times secret scalars, put together before they are computed once.

import { type Base, modR } from "./statement.js";
import { multiplySum, type Point } from "./suite.js";

/** A sum in the making. Equal bases are merged as they come. */
export class Sum {
  readonly #bases = new Map<string, Base>();
  readonly #factors = new Map<string, bigint>();

  /** Add a base times a scalar. */
  add(base: Base, scalar: bigint): void {
    this.#bases.set(base.hex, this.#bases.get(base.hex) ?? base);
    this.#factors.set(base.hex, (this.#factors.get(base.hex) ?? 0n) + scalar);
  }

  /** Whether the scalars alone show that the sum is the identity; it may be without. */
  cancels(): boolean {
    const factors = new Map(this.#factors);
    for (const [hex, base] of this.#bases) {
      if (base.madeOf === null) continue;
      const factor = factors.get(hex) as bigint;
      factors.delete(hex);
      for (const [part, scalar] of base.madeOf) factors.set(part.hex, (factors.get(part.hex) ?? 0n) + factor * scalar);
    }
    return [...factors.values()].every((each) => modR(each) === 0n);
  }

  /** Compute it; the scalars are taken to be secret. */
  value(): Point {
    const bases = [...this.#bases.values()];
    return multiplySum(bases, bases.map((each) => modR(this.#factors.get(each.hex) as bigint)));
  }
}
