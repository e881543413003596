// An inclusion proof as a drawing: the leaf below, the signed root on top, beside each step the hash it meets.
import type { VNode } from "preact";

import { hex } from "../ledger/encoding.js";
import type { CheckedReceipt } from "../ledger/receipt.js";
import { useText } from "../messages/index.js";

const ROW = 58;
const BOX = { width: 108, height: 26 };
const WIDTH = 360;
const MIDDLE = WIDTH / 2;
const SIDE = 120;

const short = (octets: Uint8Array): string => `${hex(octets).slice(0, 8)}…${hex(octets).slice(-4)}`;

export function PathDrawing({ checked }: { checked: CheckedReceipt }): VNode {
  const text = useText();
  const { steps, leaf, proof } = checked;
  const height = (steps.length + 1) * ROW;
  const y = (step: number): number => height - ROW / 2 - step * ROW;
  const own = [leaf, ...steps.map((each) => each.made)];
  const named = text("receipt.drawn_alt", { count: steps.length, index: proof.index });
  return (
    <svg class="path" viewBox={`0 0 ${WIDTH} ${height}`} role="img" aria-label={named}>
      {steps.map((step, at) => {
        const side = step.siblingIsLeft ? MIDDLE - SIDE : MIDDLE + SIDE;
        return (
          <g key={at}>
            <line class="own" x1={MIDDLE} y1={y(at)} x2={MIDDLE} y2={y(at + 1)} />
            <line x1={side} y1={y(at)} x2={MIDDLE} y2={y(at + 1)} />
            <Box x={side} y={y(at)} label={short(step.sibling)} name="" />
          </g>
        );
      })}
      {own.map((each, at) => (
        <Box key={at} x={MIDDLE} y={y(at)} label={prefixed(at)} name="own" octets={each} />
      ))}
    </svg>
  );

  function prefixed(at: number): string {
    if (at === steps.length) return `${text("receipt.root")} `;
    return at === 0 ? `${text("receipt.leaf_short")} ` : "";
  }
}

interface BoxProps {
  readonly x: number;
  readonly y: number;
  readonly label: string;
  readonly name: string;
  readonly octets?: Uint8Array;
}

function Box({ x, y, label, name, octets }: BoxProps): VNode {
  const { width, height } = BOX;
  return (
    <g>
      <rect class={name} x={x - width / 2} y={y - height / 2} width={width} height={height} rx={6} />
      <text x={x} y={y + 4} text-anchor="middle">
        {label}
        {octets ? hex(octets).slice(0, 10) : ""}
      </text>
    </g>
  );
}
