// The camera that looks at the world, until it sees a code. Its pictures stay in the page and are not kept.
import { readCode } from "./picture.js";

/** Why the camera shows nothing: there is none, a person or the browser said no, or something else has it. */
export type CameraReason = "CAMERA_MISSING" | "CAMERA_REFUSED" | "CAMERA_BUSY";

export class CameraError extends Error {
  override readonly name = "CameraError";
  constructor(readonly reason: CameraReason) {
    super(reason);
  }
}

const REASONS: Readonly<Record<string, CameraReason>> = {
  NotAllowedError: "CAMERA_REFUSED",
  SecurityError: "CAMERA_REFUSED",
  NotFoundError: "CAMERA_MISSING",
  OverconstrainedError: "CAMERA_MISSING",
};
const BETWEEN_MS = 100;
/** A frame is made no larger than this to be read, in pixels of its longer side. */
const LONGEST = 1280;

/**
 * Show the camera in `video` and return the text of the first code that it sees; undefined once `stop` is
 * aborted. The camera is let go however this ends. Raises CameraError.
 */
export async function watch(video: HTMLVideoElement, stop: AbortSignal): Promise<string | undefined> {
  const stream = await open();
  try {
    video.srcObject = stream;
    video.muted = true;
    video.playsInline = true;
    await video.play().catch((error: unknown) => {
      if (!stop.aborted) throw error; // the view that showed it is gone
    });
    return await firstCode(video, stop);
  } finally {
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  }
}

async function open(): Promise<MediaStream> {
  // Where the page is not served securely there is no such interface, whatever its type says.
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  if (devices === undefined) throw new CameraError("CAMERA_MISSING");
  try {
    return await devices.getUserMedia({ video: { facingMode: { ideal: "environment" } }, audio: false });
  } catch (error) {
    throw new CameraError(REASONS[(error as DOMException).name] ?? "CAMERA_BUSY");
  }
}

async function firstCode(video: HTMLVideoElement, stop: AbortSignal): Promise<string | undefined> {
  const canvas = document.createElement("canvas");
  while (!stop.aborted) {
    const pixels = frame(video, canvas);
    const text = pixels && readCode(pixels);
    if (text !== undefined) return text;
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_MS));
  }
  return undefined;
}

function frame(video: HTMLVideoElement, canvas: HTMLCanvasElement): ImageData | undefined {
  const smaller = Math.min(1, LONGEST / Math.max(video.videoWidth, video.videoHeight, 1));
  canvas.width = Math.round(video.videoWidth * smaller);
  canvas.height = Math.round(video.videoHeight * smaller);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (context === null || canvas.width === 0 || canvas.height === 0) return undefined;
  context.drawImage(video, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}
