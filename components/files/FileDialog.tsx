import { useEffect, useState } from "preact/hooks";
import { countChars } from "../../lib/shared/checks.ts";
import { FILE_CAPTION_MAX_CHARS, FILE_MAX_BYTES } from "../../lib/protocol/limits.ts";
import { fileSize, fileTexts as words } from "../../lib/ui/texts/file_texts.ts";
import type { FileProblem, FileToSend } from "../../lib/session/model/files_model.ts";
import { Button } from "../common/Button.tsx";
import { Dialog } from "../common/Dialog.tsx";
import { Icon } from "../common/Icon.tsx";
import { roomTexts as t } from "../../lib/ui/texts/room_texts.ts";
import { shrinkPhoto } from "./shrink_photo.ts";
import { icons } from "../common/more_icons.ts";

/** Shows a file as the others will get it, asks for a caption, and sends it. */
export default function FileDialog(props: {
  file: File;
  /** Number of files after this one. */
  more: number;
  send: (file: FileToSend, caption: string) => Promise<{ problem?: FileProblem }>;
  onDone: () => void;
  onClose: () => void;
}) {
  const { file } = props;
  const [ready, setReady] = useState<{ file: FileToSend; shrunk: boolean; url: string | undefined }>();
  const [problem, setProblem] = useState<FileProblem>();
  const [caption, setCaption] = useState("");
  const [sending, setSending] = useState(false);

  useEffect(() => {
    // Checked before any of it is read.
    if (file.size > FILE_MAX_BYTES) return setProblem("too_large");
    if (file.size === 0) return setProblem("empty");
    let url: string | undefined, left = false;
    shrinkPhoto(file).then((photo) => {
      if (left) return;
      url = photo && URL.createObjectURL(photo.blob);
      const sent = photo ?? { blob: file, name: file.name, type: file.type };
      setReady({ file: sent, shrunk: sent.blob !== file, url });
    }, () => setProblem("unreadable"));
    return () => {
      left = true;
      if (url !== undefined) URL.revokeObjectURL(url);
    };
  }, [file]);

  const send = async () => {
    if (ready === undefined || sending) return;
    setSending(true);
    const { problem } = await props.send(ready.file, caption).catch(() => ({ problem: "not_stored" as const }));
    setSending(false);
    if (problem === undefined) props.onDone();
    else setProblem(problem);
  };
  const tooLong = countChars(caption.trim()) > FILE_CAPTION_MAX_CHARS;
  const unsendable = problem === "too_large" || problem === "empty" || problem === "unreadable";
  return (
    <Dialog title={ready?.url === undefined ? words.sheet.file : words.sheet.photo} onClose={props.onClose}>
      <form
        class="flex flex-col gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        {ready?.url !== undefined && (
          <img
            src={ready.url}
            alt={file.name}
            class="mx-auto max-w-full max-h-[40vh] object-contain border-2 border-line"
          />
        )}
        <div class="flex items-center gap-3">
          <Icon name={ready?.url === undefined ? icons.file : icons.picture} />
          <p class="flex-1 min-w-0">
            <strong class="block break-words" dir="auto">{ready?.file.name ?? file.name}</strong>
            <span class="block text-sm text-dim" aria-live="polite">
              {unsendable
                ? fileSize(file.size)
                : ready === undefined
                ? words.sheet.preparing
                : ready.shrunk
                ? words.sheet.shrunk(fileSize(ready.file.blob.size), fileSize(file.size))
                : words.sheet.asItIs(fileSize(file.size))}
            </span>
          </p>
        </div>
        <p role="alert" class="font-bold text-alarm empty:hidden">
          {problem !== undefined ? words.problems[problem] : tooLong ? words.problems.too_long : undefined}
        </p>
        {!unsendable && (
          <>
            <label class="block">
              <span class="block font-bold mb-1">{words.sheet.caption}</span>
              <textarea
                value={caption}
                rows={2}
                dir="auto"
                class="w-full min-h-touch px-3 py-2 text-base bg-sunken border-2 border-line focus:border-ink"
                onInput={(event) => setCaption(event.currentTarget.value)}
              />
            </label>
            <p class="text-sm text-dim">{words.sheet.how}</p>
          </>
        )}
        {props.more > 0 && <p class="text-sm">{words.sheet.more(props.more)}</p>}
        <div class="flex flex-wrap gap-2 justify-end">
          <Button onClick={props.onDone}>{props.more > 0 ? words.sheet.skip : t.app.cancel}</Button>
          {!unsendable && (
            <Button type="submit" look="band" icon="send" disabled={ready === undefined || tooLong || sending}>
              {sending ? words.sheet.preparing : words.sheet.send}
            </Button>
          )}
        </div>
      </form>
    </Dialog>
  );
}
