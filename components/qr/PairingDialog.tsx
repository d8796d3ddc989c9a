import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { pairingTexts as words } from "../../lib/ui/texts/pairing_texts.ts";
import { encodePairing, type PairingCode, readPairing } from "../../lib/protocol/peer/pairing_code.ts";
import { PAIRING_PATIENCE_MS, pairingAdvice } from "../../lib/session/mesh/pairing_advice.ts";
import type { RoomModel } from "../../lib/session/model/room_model.ts";
import type { Pairing, PairingState } from "../../lib/transport/pairing.ts";
import { Button } from "../common/Button.tsx";
import { Dialog } from "../common/Dialog.tsx";
import { type CameraProblem, openCamera } from "./camera.ts";
import { QrCode } from "./QrCode.tsx";
import { makeFrameReader } from "./scan_frames.ts";

/** Time between two searched frames. */
const FRAME_EVERY_MS = 150;

/** Connects two phones without a server: shows this phone's code and scans the other's at the same time. */
export default function PairingDialog(props: {
  model: RoomModel;
  /** The other phone's code, if it was scanned before the room was open. */
  scanned: string | undefined;
  onClose: () => void;
}) {
  const { model } = props;
  const video = useRef<HTMLVideoElement>(null);
  const camera = useSignal<"starting" | "running" | CameraProblem>("starting");
  const state = useSignal<PairingState | "other_tab">({ state: "preparing" });
  const rejected = useSignal<"own" | "other_room" | "no_code" | undefined>(undefined);
  const patient = useSignal(true);
  const large = useSignal(false);
  const attempt = useSignal(1);

  useEffect(() => {
    const stopped = new AbortController();
    const { signal } = stopped;
    void run();
    return () => stopped.abort();

    async function run(): Promise<void> {
      state.value = { state: "preparing" };
      rejected.value = undefined;
      patient.value = true;
      const opened = await openCamera();
      if (signal.aborted) return "stop" in opened ? opened.stop() : undefined;
      // The camera comes first: some browsers reveal local addresses only with camera permission.
      const pairing = await model.connection.pairPhone((next) => {
        if (!signal.aborted) state.value = next;
      });
      if ("problem" in pairing) {
        if ("stop" in opened) opened.stop();
        state.value = pairing.problem === "other_tab" ? "other_tab" : { state: "failed", reason: "unavailable" };
        return;
      }
      signal.addEventListener("abort", () => pairing.close());
      if (signal.aborted) return pairing.close();
      const scannedBefore = attempt.peek() === 1 && props.scanned !== undefined && take(pairing, props.scanned);
      if ("problem" in opened) {
        camera.value = opened.problem;
        return;
      }
      signal.addEventListener("abort", opened.stop);
      if (scannedBefore) return;
      await scan(pairing, opened.stream);
      opened.stop();
    }

    async function scan(pairing: Pairing, stream: MediaStream): Promise<void> {
      const view = video.current;
      if (view === null) return;
      view.srcObject = stream;
      await view.play();
      camera.value = "running";
      const read = await makeFrameReader();
      while (!signal.aborted) {
        const text = view.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA ? await read(view) : undefined;
        if (text !== undefined && !signal.aborted && take(pairing, text)) return;
        await new Promise((resolve) => setTimeout(resolve, FRAME_EVERY_MS));
      }
    }

    /** Returns true if the code was the other phone's. */
    function take(pairing: Pairing, text: string): boolean {
      const code = readPairing(text);
      const taken = code === undefined ? "no_code" : pairing.scan(code);
      rejected.value = taken === "taken" ? undefined : taken;
      if (taken !== "taken") return false;
      const timer = setTimeout(() => patient.value = false, PAIRING_PATIENCE_MS);
      signal.addEventListener("abort", () => clearTimeout(timer));
      return true;
    }
  }, [attempt.value, model]);

  const now = state.value;
  const again = () => {
    // A larger code holds more addresses, and one of those may work.
    large.value = true;
    attempt.value++;
  };
  return (
    <Dialog title={words.title} onClose={props.onClose}>
      {now === "other_tab"
        ? <p role="alert">{words.otherTab}</p>
        : (
          <div class="flex flex-col gap-3" data-pairing={now.state}>
            {now.state === "paired"
              ? <Linked model={model} peer={now.peer.peer} onClose={props.onClose} />
              : now.state === "failed"
              ? (
                <>
                  <p role="alert" class="text-alarm font-bold">{words.failed[now.reason]}</p>
                  {now.mine && now.theirs && <Advice mine={now.mine} theirs={now.theirs} />}
                  <Button look="flare" onClick={again}>{words.again}</Button>
                </>
              )
              : (
                <>
                  <p class="text-dim text-sm">{words.intro}</p>
                  {"mine" in now
                    ? <Code code={now.mine} large={large.value} />
                    : <p role="status">{camera.value === "starting" ? words.camera.starting : words.preparing}</p>}
                  {now.state === "linking"
                    ? <p role="status" class="font-bold">{words.scanBack}</p>
                    : <Scanning camera={camera.value} rejected={rejected.value} video={video} />}
                  {now.state === "linking" && !patient.value && (
                    <section role="status">
                      <h3 class="font-bold mb-1">{words.waiting}</h3>
                      <Advice mine={now.mine} theirs={now.theirs} />
                    </section>
                  )}
                  {"mine" in now && (
                    <div class="flex flex-wrap gap-2">
                      {encodePairing(now.mine) !== encodePairing(now.mine, { small: true }) && (
                        <Button onClick={() => large.value = !large.value}>
                          {large.value ? words.smaller : words.larger}
                        </Button>
                      )}
                      {now.state === "linking" && !patient.value && <Button onClick={again}>{words.again}</Button>}
                    </div>
                  )}
                </>
              )}
          </div>
        )}
    </Dialog>
  );
}

function Code({ code, large }: { code: PairingCode; large: boolean }) {
  return (
    <>
      <QrCode
        text={encodePairing(code, { small: !large })}
        level="L"
        label={words.code}
        class="pairing-code mx-auto"
      />
      {code.secret !== undefined && <p class="text-warn font-bold text-sm">{words.sealed}</p>}
    </>
  );
}

function Scanning(props: {
  camera: "starting" | "running" | CameraProblem;
  rejected: "own" | "other_room" | "no_code" | undefined;
  video: { current: HTMLVideoElement | null };
}) {
  const { camera, rejected } = props;
  const isProblem = camera !== "starting" && camera !== "running";
  const wrong = rejected && { own: words.own, other_room: words.otherRoom, no_code: words.noCode }[rejected];
  return (
    <>
      <div
        class={`pairing-view relative w-full mx-auto bg-sunken border-2 border-line overflow-hidden ${
          isProblem ? "hidden" : ""
        }`}
      >
        <video ref={props.video} class="w-full h-full object-cover" muted playsInline aria-hidden="true" />
        <div class="scan-frame" aria-hidden="true" />
      </div>
      <p role="status" class={isProblem || wrong ? "text-alarm font-bold" : "font-bold"}>
        {wrong ?? words.camera[camera]}
      </p>
      {!isProblem && <p class="text-dim text-sm">{words.steps}</p>}
    </>
  );
}

function Advice({ mine, theirs }: { mine: PairingCode; theirs: PairingCode }) {
  return (
    <ul class="flex flex-col gap-2">
      {pairingAdvice(mine, theirs).map((advice) => (
        <li key={advice} class="border-l-4 border-flare pl-3" data-advice={advice}>{words.advice[advice]}</li>
      ))}
    </ul>
  );
}

function Linked({ model, peer, onClose }: { model: RoomModel; peer: string; onClose: () => void }) {
  const name = model.people.people.value.shown.find(({ author }) => author === peer)?.name;
  return (
    <>
      <p role="status" class="font-display font-extrabold text-2xl">{words.linked(name)}</p>
      <p class="text-dim">{words.linkedHint}</p>
      <Button look="flare" onClick={onClose}>{words.done}</Button>
    </>
  );
}
