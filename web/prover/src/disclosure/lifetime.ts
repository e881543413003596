/** How long a credential of either form is valid when it is issued (disclosure/credential.py). */

import type { Day } from "./attributes.js";
import { RefusedError } from "./errors.js";
import { civilDay } from "./key.js";
import type { Schema } from "./schema.js";

/**
 * Return a credential, of either form, whose last day the schema allows for one issued lately; `now` is in seconds.
 *
 * A department that gave every person an expiry of their own would know them again by it. Raises RefusedError
 * EXPIRY_INVALID.
 */
export function checkLifetime<C extends { readonly expiry: Day }>(credential: C, schema: Schema, now: number): C {
  const today = civilDay(now);
  const last = credential.expiry.number;
  if (last < today || last > today + schema.validityDays + 1) {
    throw new RefusedError("EXPIRY_INVALID", "the last day of validity is not what the schema says", "expiry");
  }
  return credential;
}
