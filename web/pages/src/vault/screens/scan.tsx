// A code before the camera, or a link that is pasted.
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { CameraError, watch } from "../../scan/camera.js";
import { Told } from "../../ui/shell.js";
import { useSay } from "../texts/index.js";
import { Screen } from "./parts.js";

export function Scan({ found }: { found: (link: string) => void }): VNode {
  const say = useSay();
  const [pasted, setPasted] = useState("");
  const submit = (event: Event): void => {
    event.preventDefault();
    if (pasted.trim() !== "") found(pasted.trim());
  };
  return (
    <Screen title={say("scan.title")}>
      <p class="quiet">{say("home.show.about")}</p>
      <Camera found={found} />
      <form onSubmit={submit}>
        <h3>{say("scan.paste")}</h3>
        <p>
          <label for="link">{say("scan.link")}</label>
          <input
            id="link"
            required
            autocomplete="off"
            spellcheck={false}
            value={pasted}
            onInput={(event) => setPasted(event.currentTarget.value)}
          />
        </p>
        <button type="submit" class="first">
          {say("scan.open")}
        </button>
      </form>
    </Screen>
  );
}

export function Camera({ found }: { found: (link: string) => void }): VNode {
  const say = useSay();
  const video = useRef<HTMLVideoElement>(null);
  const [on, turn] = useState(false);
  const [error, setError] = useState<CameraError>();
  useEffect(() => {
    if (!on || video.current === null) return undefined;
    const stop = new AbortController();
    setError(undefined);
    watch(video.current, stop.signal).then(
      (text) => text !== undefined && found(text),
      (failed: unknown) => {
        turn(false);
        setError(failed instanceof CameraError ? failed : new CameraError("CAMERA_BUSY"));
      },
    );
    return () => stop.abort();
  }, [on]);
  return (
    <div>
      <p class="quiet">{say("scan.about")}</p>
      <video ref={video} class={on ? "camera" : "hidden"} aria-label={say("scan.camera")} muted playsInline />
      <div role="status">{on && <p>{say("scan.on")}</p>}</div>
      <div aria-live="assertive">{error && <Told as="unsure">{say(`scan.${error.reason}`)}</Told>}</div>
      <p>
        <button type="button" class={on ? "" : "first"} onClick={() => turn(!on)}>
          {say(on ? "scan.stop" : "scan.start")}
        </button>
      </p>
    </div>
  );
}
