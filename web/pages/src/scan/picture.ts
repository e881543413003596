// A link in the pixels of a picture: a frame of the camera's, or a file that somebody kept.
import decodeQR from "qr/decode.js";

import { type Link, parseLink } from "./links.js";

/** What decoding may take beyond its first attempt, in ms: another frame of the camera's follows soon. */
const FRAME_MS = 100;

/** Rows of RGBA, as a canvas gives them. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray;
}

/** The text of the QR code in a picture; undefined where none can be read. */
export function readCode(pixels: Pixels, timeLimit = FRAME_MS): string | undefined {
  try {
    return decodeQR(pixels, { format: "RGBA", timeLimit });
  } catch {
    return undefined; // no code, a torn or a false one: the library has one error for each, and a person none
  }
}

/** The link in a picture; undefined where no code can be read. Raises LinkError for any other code. */
export function readLink(pixels: Pixels, timeLimit = FRAME_MS): Link | undefined {
  const text = readCode(pixels, timeLimit);
  return text === undefined ? undefined : parseLink(text);
}
