// A QR code as a drawing. It is always dark on light, whatever the page is: many cameras read nothing else.
import type { VNode } from "preact";

const BORDER = 4;

export function QrCode({ modules, label }: { modules: readonly string[]; label: string }): VNode {
  const size = modules.length + 2 * BORDER;
  const path = modules
    .flatMap((row, y) => [...row].map((each, x) => (each === "1" ? `M${x + BORDER} ${y + BORDER}h1v1h-1z` : "")))
    .join("");
  return (
    <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label} shape-rendering="crispEdges">
      <rect width={size} height={size} fill="#ffffff" />
      <path d={path} fill="#000000" />
    </svg>
  );
}
