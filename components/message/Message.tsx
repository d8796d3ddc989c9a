import { useRef } from "preact/hooks";
import type { GroupItem } from "../../lib/ui/conversation_rows.ts";
import type { FileInfo } from "../../lib/protocol/file_info.ts";
import type { FilesModel } from "../../lib/session/model/files_model.ts";
import { Button } from "../common/Button.tsx";
import { Icon } from "../common/Icon.tsx";
import { Lazy } from "../common/Lazy.tsx";
import { roomTexts as t } from "../../lib/ui/texts/room_texts.ts";
import { nameOf } from "./Author.tsx";
import { Delivery } from "./Delivery.tsx";
import { MessageText } from "./MessageText.tsx";
import { loadFileCard, loadMessageActions, loadRefusalReason } from "../lazy_components.ts";
import { Reactions } from "./Reactions.tsx";
import { useSwipe } from "./swipe.ts";

/** Actions on messages, which the room's screen carries out. */
export interface MessageHandlers {
  /** Opens the actions of this message; undefined closes them. */
  onOpen: (id: string | undefined) => void;
  onReply: (item: MessageItem) => void;
  onReact: (id: string, emoji: string, on: boolean) => void;
  onEdit: (item: MessageItem) => void;
  onDelete: (id: string) => void;
  onDiscardRefused: (id: string) => void;
  onCopy: (text: string) => Promise<boolean>;
  /** The files of the room. */
  files: () => Promise<FilesModel>;
  /** Scrolls to the message that a reply answers. */
  onQuoted: (id: string) => void;
}
export type MessageItem = Extract<GroupItem, { type: "message" }>;

interface MessageProps {
  item: GroupItem;
  /** Its actions are open. */
  open: boolean;
  /** The first of its group, with the author's name just above. */
  first: boolean;
  /** Absent where the group shows one time for all. */
  time?: string | undefined;
  handlers: MessageHandlers;
}

/** One message, or the note in its place. */
export function Message(props: MessageProps) {
  const { item } = props;
  if (item.type !== "message") {
    const text: string = t.room[item.type];
    return (
      <div data-item={item.id} class="py-1 text-dim italic">
        {text}
      </div>
    );
  }
  return <MessageBody {...props} item={item} />;
}

function MessageBody(props: MessageProps & { item: MessageItem }) {
  const { item, handlers } = props;
  const more = useRef<HTMLButtonElement>(null);
  const swipe = useSwipe(() => handlers.onReply(item));
  const close = () => {
    handlers.onOpen(undefined);
    more.current?.focus();
  };
  const actionsId = `actions-${item.id}`;
  const { delivery } = item;
  const refused = delivery?.state === "refused";
  return (
    <div data-item={item.id} class={`group relative py-1 ${refused ? "border-2 border-alarm p-2 my-1" : ""}`}>
      <div class="flex items-start gap-1" {...swipe}>
        <div class="flex-1 min-w-0">
          {!props.first && <span class="sr-only">{nameOf(item.author)}:</span>}
          {item.replyTo && <Quote replyTo={item.replyTo} onShow={handlers.onQuoted} />}
          {item.file && <FilePlace file={item.file} caption={item.text} files={handlers.files} />}
          {item.text !== "" && <MessageText text={item.text} />}
          {(item.edited || item.late || delivery || props.time) && (
            <p class="flex items-center gap-2 text-xs text-dim tabular-nums">
              {item.late && (
                <span class="inline-flex items-center gap-1">
                  <Icon name="late" class="w-4 h-4" />
                  {t.room.late}
                </span>
              )}
              {item.edited && <span>{t.room.edited}</span>}
              {props.time && <span aria-hidden="true" class="whitespace-nowrap">{props.time}</span>}
              {delivery && !refused && <Delivery delivery={delivery} />}
            </p>
          )}
        </div>
        <button
          ref={more}
          type="button"
          aria-label={t.message.actions}
          aria-expanded={props.open}
          {...props.open ? { "aria-controls": actionsId } : {}}
          onClick={() => handlers.onOpen(props.open ? undefined : item.id)}
          class="inline-flex items-center justify-center min-w-touch min-h-touch -my-2 -mr-2 text-dim hover:text-ink"
        >
          <Icon name="more" class="w-5 h-5" />
        </button>
      </div>
      {refused && (
        <div role="alert" class="mt-1 text-sm">
          <p class="text-alarm font-bold">
            <Delivery delivery={delivery} />
            <Lazy load={loadRefusalReason} props={{ reason: delivery.reason }} />
          </p>
          <div class="mt-2">
            <Button icon="undo" onClick={() => handlers.onDiscardRefused(item.id)}>{t.message.discardRefused}</Button>
          </div>
        </div>
      )}
      <Reactions reactions={item.reactions} onReact={(emoji, on) => handlers.onReact(item.id, emoji, on)} />
      {props.open && (
        <Lazy
          load={loadMessageActions}
          props={{
            id: actionsId,
            onReply: () => {
              handlers.onOpen(undefined);
              handlers.onReply(item);
            },
            onReact: (emoji: string) => {
              const mine = item.reactions.some((reaction) => reaction.emoji === emoji && reaction.mine);
              handlers.onReact(item.id, emoji, !mine);
              close();
            },
            onCopy: item.text === "" ? undefined : () => handlers.onCopy(item.text),
            onEdit: item.author.me
              ? () => {
                handlers.onOpen(undefined);
                handlers.onEdit(item);
              }
              : undefined,
            onDelete: item.author.me
              ? () => {
                handlers.onOpen(undefined);
                handlers.onDelete(item.id);
              }
              : undefined,
            onClose: close,
          }}
          otherwise={<p role="alert" class="text-sm">{t.noNetwork}</p>}
        />
      )}
    </div>
  );
}

/** A file, in a box that has its final size before code and picture load. */
function FilePlace(props: { file: FileInfo; caption: string; files: () => Promise<FilesModel> }) {
  const { size } = props.file;
  return (
    <div class="file-place">
      <div class={size ? "picture-frame" : ""} style={size && { "--ratio": size.width / size.height }} />
      <Lazy load={loadFileCard} props={props} />
    </div>
  );
}

/** The quoted message of a reply, in up to three lines. A press scrolls to it. */
function Quote(props: { replyTo: NonNullable<MessageItem["replyTo"]>; onShow: (id: string) => void }) {
  const { id, author, text } = props.replyTo;
  return (
    <button
      type="button"
      onClick={() => props.onShow(id)}
      class="block w-full max-w-full text-left text-sm text-dim border-l-2 border-current pl-2 my-1 min-h-touch"
    >
      {author && (
        <span class="block font-bold truncate">
          <span class="sr-only">{`${t.message.inReplyTo} `}</span>
          <bdi>{nameOf(author)}</bdi>
        </span>
      )}
      <span
        class="[display:-webkit-box] [-webkit-box-orient:vertical] [-webkit-line-clamp:2] overflow-hidden"
        dir="auto"
      >
        {text ?? t.room.quoteMissing}
      </span>
    </button>
  );
}
