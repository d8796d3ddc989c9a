import { useEffect, useRef, useState } from "preact/hooks";
import { fileSize, fileTexts as words } from "../../lib/ui/texts/file_texts.ts";
import type { FileInfo } from "../../lib/protocol/file_info.ts";
import { type FilesModel, type FileView, isShownPicture } from "../../lib/session/model/files_model.ts";
import { Button, IconButton } from "../common/Button.tsx";
import { Dialog } from "../common/Dialog.tsx";
import { Icon } from "../common/Icon.tsx";
import { icons } from "../common/more_icons.ts";

const NOT_CHECKED: FileView = { state: "unknown", bytesHere: 0, holders: 0 };
/** By then the browser has begun to save the link's file. */
const SAVING_BEGINS_MS = 60_000;

/** A file in the conversation, with its progress and the next action. */
export default function FileCard(
  props: {
    file: FileInfo;
    /** Empty if the author wrote none. */
    caption: string;
    files: () => Promise<FilesModel>;
  },
) {
  const { file } = props;
  const card = useRef<HTMLDivElement>(null);
  const [files, setFiles] = useState<FilesModel>();
  useEffect(() => {
    // Without a network this may fail to load. The card then shows what the message says of the file.
    props.files().then(setFiles, () => {});
  }, []);
  const view = files?.view(file.root).value ?? NOT_CHECKED;
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
        ? <Picture {...props} files={files} size={file.size} visible={visible} view={view} />
        : (
          <p class="flex items-center gap-2 py-1">
            <Icon name={icons.file} class="w-8 h-8" />
            <span class="min-w-0">
              <strong class="block break-words" dir="auto">{file.name}</strong>
              <span class="block text-sm text-dim">{size}</span>
            </span>
          </p>
        )}
      <Status file={file} view={view} files={files} />
    </div>
  );
}

/** The progress in words, and the next action. */
function Status(props: { file: FileInfo; view: FileView; files: FilesModel | undefined }) {
  const { file, files, view: { state, bytesHere, holders, blockedReason, onlyHere } } = props;
  const size = fileSize(file.bytes);
  const here = fileSize(bytesHere);
  const status = {
    unknown: words.looking,
    absent: file.size ? size : words.absent,
    fetching: words.fetching(here, size, holders),
    paused: words.paused(here, size),
    here: file.size ? size : words.here,
  }[state];
  const blocked = blockedReason !== undefined && blockedReason !== "no_holder";
  const explained = blockedReason ? words.blocked[blockedReason] : onlyHere && words.onlyHere;
  return (
    <div class="w-72 max-w-full text-sm">
      {!file.size && <Bar file={file} view={props.view} />}
      {explained && <p class={`pt-1 ${blocked ? "text-alarm font-bold" : "text-dim"}`}>{explained}</p>}
      <div class="flex items-center gap-2 min-h-touch mt-1">
        {/* Screen readers do not announce changing numbers; the progress bar tells them on request. */}
        <p class="flex-1 min-w-0 text-dim tabular-nums" aria-live="off">{status}</p>
        {state === "absent" && <Button icon="down" onClick={() => files?.fetch(file.root)}>{words.download}</Button>}
        {state === "fetching" && !blocked && (
          <IconButton
            icon={icons.pause}
            label={words.pause}
            onClick={() => files?.pause(file.root)}
          />
        )}
        {(state === "paused" || (blocked && blockedReason !== "false_offer")) && (
          <Button
            icon="down"
            onClick={() => files?.fetch(file.root)}
          >
            {words.resume}
          </Button>
        )}
        {state === "here" && <Button icon="down" onClick={() => files && save(files, file)}>{words.save}</Button>}
      </div>
    </div>
  );
}

function Bar(
  { file, view: { state, bytesHere }, class: extra = "" }: { file: FileInfo; view: FileView; class?: string },
) {
  if (state !== "fetching" && state !== "paused") return null;
  return (
    <progress
      class={`file-progress block w-full ${extra}`}
      max={file.bytes}
      value={bytesHere}
      aria-label={words.progress(file.name)}
    />
  );
}

/** The picture in its frame: first the message's thumbnail, then the file. A press shows it full screen. */
function Picture(props: {
  file: FileInfo;
  caption: string;
  size: NonNullable<FileInfo["size"]>;
  files: FilesModel | undefined;
  view: FileView;
  /** Only pictures on the screen are kept in memory. */
  visible: boolean;
}) {
  const { file, size, files, view } = props;
  const here = props.visible && view.state === "here";
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
  const alt = props.caption || file.name;
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
        <Bar file={file} view={view} class="absolute inset-x-0 bottom-0" />
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
        <Dialog title={words.large} full onClose={() => setLarge(false)}>
          <img src={url} alt={alt} class="block mx-auto max-w-full max-h-[80vh] object-contain" />
          {props.caption && <p class="py-2" dir="auto">{props.caption}</p>}
        </Dialog>
      )}
    </>
  );
}

/** Whether the element is on the screen, or near it. */
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

/** A thumbnail is JPEG or WebP (lib/protocol/file_info.ts). */
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
