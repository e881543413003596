// Counts as bars: a drawing for the eye beside the number that everybody reads.
import type { VNode } from "preact";

import { useTexts } from "./texts/index.js";

const LENGTH = 100;

/** A number with a bar, as long as it is of the greatest. */
export function Count({ count, greatest }: { count: number; greatest: number }): VNode {
  const { number } = useTexts();
  return (
    <>
      {number(count)}
      <Bar part={greatest > 0 ? count / greatest : 0} />
    </>
  );
}

/** A bar of which a part, 0 to 1, is full. What it says stands beside it in words. */
export function Bar({ part }: { part: number }): VNode {
  const full = LENGTH * Math.min(Math.max(part, 0), 1);
  return (
    <svg class="bar" viewBox={`0 0 ${LENGTH} 8`} preserveAspectRatio="none" aria-hidden="true" focusable="false">
      <rect class="ground" width={LENGTH} height="8" />
      <rect class="full" width={full} height="8" />
    </svg>
  );
}
