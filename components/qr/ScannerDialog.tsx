import { useEffect, useRef, useState } from "preact/hooks";
import { readScanned } from "../../lib/ui/room_link.ts";
import { spokenCode } from "../../lib/ui/spoken_code.ts";
import { Button } from "../common/Button.tsx";
import { Dialog } from "../common/Dialog.tsx";
import { Icon } from "../common/Icon.tsx";
import { homeTexts as t } from "../../lib/ui/texts/home_texts.ts";
import { type CameraProblem, openCamera } from "./camera.ts";
import { makeFrameReader, readPicture } from "./scan_frames.ts";
import { icons } from "../common/more_icons.ts";

/** Time between two searched frames: short enough to feel immediate, long enough to keep a phone cool. */
const FRAME_EVERY_MS = 150;

/** Scans a room's QR code with the camera, or from a picture. `onFound` gets the path to open. */
export default function ScannerDialog(props: { onFound: (path: string) => void; onClose: () => void }) {
  const video = useRef<HTMLVideoElement>(null);
  const [camera, setCamera] = useState<"starting" | "running" | CameraProblem>("starting");
  const [torch, setTorch] = useState<{ set: (on: boolean) => Promise<void>; on: boolean }>();
  const [result, setResult] = useState<{ text: string; good: boolean }>();

  /** Returns true if the text leads to a room on this site. */
  const take = (text: string): boolean => {
    const scanned = readScanned(text, location.origin);
    if (scanned.found === "foreign") {
      setResult({ text: t.scanner.foreign(scanned.text), good: false });
      return false;
    }
    const message = scanned.found === "pairing"
      ? t.scanner.foundPhone
      : scanned.code === undefined
      ? t.scanner.foundSealed
      : t.scanner.found(spokenCode(scanned.code));
    setResult({ text: message, good: true });
    props.onFound(scanned.path);
    return true;
  };

  useEffect(() => {
    const stopped = new AbortController();
    void runCamera(stopped.signal);
    return () => stopped.abort();

    async function runCamera(signal: AbortSignal): Promise<void> {
      const opened = await openCamera();
      if ("problem" in opened) return setCamera(opened.problem);
      signal.addEventListener("abort", opened.stop);
      const view = video.current;
      if (signal.aborted || view === null) return opened.stop();
      view.srcObject = opened.stream;
      await view.play();
      setCamera("running");
      if (opened.torch) setTorch({ set: opened.torch, on: false });
      const read = await makeFrameReader();
      while (!signal.aborted) {
        const text = view.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA ? await read(view) : undefined;
        if (text !== undefined && !signal.aborted && take(text)) return opened.stop();
        await new Promise((resolve) => setTimeout(resolve, FRAME_EVERY_MS));
      }
    }
  }, []);

  const usePicture = async (file: File | undefined) => {
    if (file === undefined) return;
    const text = await readPicture(file).catch(() => undefined);
    if (text === undefined) setResult({ text: t.scanner.noCode, good: false });
    else take(text);
  };

  const problem = camera === "starting" || camera === "running" ? undefined : t.scanner[camera];
  return (
    <Dialog title={t.scanner.title} onClose={props.onClose}>
      <div class="flex flex-col gap-3">
        <div class={`relative bg-sunken border-2 border-line aspect-square overflow-hidden ${problem ? "hidden" : ""}`}>
          <video ref={video} class="w-full h-full object-cover" muted playsInline aria-hidden="true" />
          <div class="scan-frame" aria-hidden="true" />
        </div>
        <p role="status" class={problem || (result && !result.good) ? "text-alarm font-bold" : ""}>
          {result?.text ?? problem ?? (camera === "starting" ? t.scanner.starting : t.scanner.aim)}
        </p>
        {result && problem && !result.good && <p class="text-sm text-dim">{problem}</p>}
        <div class="flex flex-wrap gap-2">
          <label class="focus-ring inline-flex items-center gap-2 min-h-touch px-4 py-2 border-2 border-line bg-raised font-bold cursor-pointer">
            <Icon name={icons.picture} />
            {t.scanner.picture}
            <input
              type="file"
              accept="image/*"
              class="sr-only"
              onChange={(event) => {
                const input = event.currentTarget;
                void usePicture(input.files?.[0]).then(() => {
                  // Allows choosing the same picture again.
                  input.value = "";
                });
              }}
            />
          </label>
          {torch && (
            <Button
              icon={icons.torch}
              aria-pressed={torch.on}
              onClick={async () => {
                await torch.set(!torch.on);
                setTorch({ ...torch, on: !torch.on });
              }}
            >
              {torch.on ? t.scanner.torchOff : t.scanner.torchOn}
            </Button>
          )}
        </div>
      </div>
    </Dialog>
  );
}
