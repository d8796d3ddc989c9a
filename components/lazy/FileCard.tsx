import { useEffect, useRef, useState } from "preact/hooks";
import "@preact/signals";
import { fileSize, fileTextsFor } from "../../lib/design/file_texts.ts";
import type { FileInfo } from "../../lib/protocol/file_info.ts";
import { type FilesModel, type FileView, isShownPicture } from "../../lib/session/files_model.ts";
import { Button } from "../Button.tsx";
import { Dialog } from "../Dialog.tsx";
import { Icon } from "../Icon.tsx";
import type { MessageItem } from "../room/Message.tsx";
import { useTexts } from "../texts.ts";

const NOT_LOOKED_UP: FileView = { state: "unknown", bytesHere: 0, holders: 0 };
/** A browser has begun to save what a link names by then. */
const SAVING_BEGINS_MS = 60_000;

/** A file in the conversation: what it is, how much of it is here, and what can be done with it. */
export default function FileCard(props: { item: MessageItem; file: FileInfo; files: () => Promise<FilesModel> }) {
  const { item, file } = props;
  const words = fileTextsFor(useTexts().language);
  const card = useRef<HTMLDivElement>(null);
  const [files, setFiles] = useState<FilesModel>();
  useEffect(() => {
    // Without a network its code may not come: the card then says what there is.
    props.files().then(setFiles, () => {});
  }, []);
  const view = files?.view(file.root).value ?? NOT_LOOKED_UP;
  const visible = useVisible(card);
  const { state } = view;
  useEffect(() => {
    if (visible && state === "absent" && files?.fetchesByItself(file)) void files.fetch(file.root);
  }, [visible, state, files]);
  const size = fileSize(file.bytes);
  return (
    <div
      ref={card}
      role="group"
      aria-label={file.size ? words.picture(file.name) : words.file(file.name, size)}
      data-file={state}
    >
      {file.size
        ? <Picture {...props} files={files} size={file.size} here={visible && state === "here"} words={words} />
        : (
          <p class="flex items-center gap-2 py-1">
            <Icon name="file" class="w-8 h-8" />
            <span class="min-w-0">
              <strong class="block break-words" dir="auto">{file.name}</strong>
              <span class="block text-sm text-dim">{size}</span>
            </span>
          </p>
        )}
      <Status file={file} view={view} files={files} alt={item.text || file.name} />
    </div>
  );
}

/** How much is here, in words and as a bar, and the one thing to do next. */
function Status(props: { file: FileInfo; view: FileView; files: FilesModel | undefined; alt: string }) {
  const { file, files, view: { state, bytesHere, holders, hindrance, onlyHere } } = props;
  const words = fileTextsFor(useTexts().language);
  const size = fileSize(file.bytes);
  const here = fileSize(bytesHere);
  const said = {
    unknown: words.looking,
    absent: file.size ? `${words.absent} · ${size}` : words.absent,
    fetching: hindrance ? words.hindrances[hindrance] : words.fetching(here, size, holders),
    paused: words.paused(here, size),
    here: onlyHere ? words.onlyHere : file.size ? `${words.here} · ${size}` : words.here,
  }[state];
  const blocked = hindrance !== undefined && hindrance !== "no_holder";
  return (
    <div class="max-w-[18rem] text-sm">
      {(state === "fetching" || state === "paused") && (
        <progress
          class="file-progress block w-full my-1"
          max={file.bytes}
          value={bytesHere}
          aria-label={words.progress(file.name)}
        />
      )}
      <div class="flex items-center gap-2 min-h-touch">
        {/* Numbers that run are not for reading aloud; the bar tells them to who asks. */}
        <p class={`flex-1 min-w-0 ${blocked ? "text-alarm font-bold" : "text-dim"}`} aria-live="off">{said}</p>
        {state === "absent" && <Button icon="down" onClick={() => files?.fetch(file.root)}>{words.get}</Button>}
        {state === "fetching" && !blocked && (
          <Button icon="pause" onClick={() => files?.pause(file.root)}>{words.pause}</Button>
        )}
        {(state === "paused" || (blocked && hindrance !== "false_offer")) && (
          <Button
            icon="down"
            onClick={() => files?.fetch(file.root)}
          >
            {words.goOn}
          </Button>
        )}
        {state === "here" && <Button icon="down" onClick={() => files && save(files, file)}>{words.save}</Button>}
      </div>
    </div>
  );
}

/** The picture in its frame: the tiny one that came with the message, then the real one. Pressed, it fills the screen. */
function Picture(props: {
  item: MessageItem;
  file: FileInfo;
  size: NonNullable<FileInfo["size"]>;
  files: FilesModel | undefined;
  /** All of it is on this phone, and it is on the screen. */
  here: boolean;
  words: ReturnType<typeof fileTextsFor>;
}) {
  const { file, size, files, here, words } = props;
  const [url, setUrl] = useState<string>();
  const [broken, setBroken] = useState(false);
  const [large, setLarge] = useState(false);
  useEffect(() => {
    if (!here || files === undefined || !isShownPicture(file.type)) return;
    let made: string | undefined, left = false;
    files.open(file).then((blob) => {
      if (!left && blob !== undefined) setUrl(made = URL.createObjectURL(blob));
    }, () => setBroken(true));
    return () => {
      left = true;
      setUrl(undefined);
      if (made !== undefined) URL.revokeObjectURL(made);
    };
  }, [here, files]);
  const alt = props.item.text || file.name;
  const frame = { "--ratio": size.width / size.height };
  const shown = url !== undefined && !broken;
  return (
    <>
      <div class="picture-frame relative bg-raised border-2 border-line overflow-hidden" style={frame}>
        {file.thumbnail && !shown && (
          <img
            src={thumbnailUrl(file.thumbnail)}
            alt={alt}
            class="picture-blur absolute w-full h-full object-cover"
          />
        )}
        {broken && <p class="absolute inset-0 p-2 bg-ground text-sm">{words.unreadable}</p>}
        {shown && (
          <button
            type="button"
            class="block w-full h-full"
            aria-label={words.show(alt)}
            onClick={() => setLarge(true)}
          >
            <img src={url} alt={alt} class="w-full h-full object-contain" onError={() => setBroken(true)} />
          </button>
        )}
      </div>
      {large && shown && (
        <Dialog title={file.name} full onClose={() => setLarge(false)}>
          <img src={url} alt={alt} class="mx-auto max-w-full max-h-[80vh] object-contain" />
          {props.item.text && <p class="py-2" dir="auto">{props.item.text}</p>}
        </Dialog>
      )}
    </>
  );
}

/** Near or on the screen. */
function useVisible(element: { current: HTMLElement | null }): boolean {
  const [visible, setVisible] = useState(false);
  useEffect(() => {
    const watcher = new IntersectionObserver(
      (entries) => setVisible(entries.at(-1)!.isIntersecting),
      { rootMargin: "50% 0px" },
    );
    watcher.observe(element.current!);
    return () => watcher.disconnect();
  }, []);
  return visible;
}

/** JPEG or WebP: nothing else is read as a thumbnail (lib/protocol/file_info.ts). */
function thumbnailUrl(thumbnail: string): string {
  const type = thumbnail.startsWith("UklGR") ? "webp" : "jpeg";
  return `data:image/${type};base64,${thumbnail.replaceAll("-", "+").replaceAll("_", "/")}`;
}

async function save(files: FilesModel, file: FileInfo): Promise<void> {
  const blob = await files.open(file);
  if (blob === undefined) return;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), SAVING_BEGINS_MS);
}
