import type { ReadonlySignal } from "@preact/signals";
import { useMemo, useRef, useState } from "preact/hooks";
import type { TimelineItem } from "../../lib/chat/timeline.ts";
import type { EventId } from "../../lib/protocol/event.ts";
import { type ConversationRow, rowsOf } from "../../lib/ui/conversation_rows.ts";
import { dayKey, dayName } from "../../lib/ui/time.ts";
import { Icon } from "../common/Icon.tsx";
import { Lazy } from "../common/Lazy.tsx";
import { roomTexts as t } from "../../lib/ui/texts/room_texts.ts";
import { nameOf } from "../message/Author.tsx";
import { MessageGroup } from "../message/MessageGroup.tsx";
import type { MessageHandlers } from "../message/Message.tsx";
import { loadEmptyRoom } from "../lazy_components.ts";
import { useNewMarker, useScrollAnchor } from "./scroll_anchor.ts";

/** The conversation: keeps the reader's place, shows new messages, and loads older ones. */
export function TimelineView(props: {
  messages: ReadonlySignal<readonly TimelineItem[]>;
  older: ReadonlySignal<"available" | "loading" | "none">;
  unread: ReadonlySignal<ReadonlySet<EventId>>;
  upToDate: ReadonlySignal<boolean>;
  /** Everything loaded has been seen. */
  onSeen: () => void;
  /** The room is still opening. */
  loading: boolean;
  /** Without a connection nothing more loads for now. */
  offline: boolean;
  handlers: Omit<MessageHandlers, "onOpen" | "onQuoted">;
  onOlder: () => void;
  /** Shown large while there are no messages. */
  code: string | undefined;
  onShare: () => void;
}) {
  const items = props.messages.value;
  const older = props.older.value;
  const scroller = useRef<HTMLDivElement>(null);
  const [openId, setOpenId] = useState<string>();

  const place = useScrollAnchor(scroller, () => {
    if (props.older.peek() === "available") props.onOlder();
  });
  const { atEnd, toEnd } = place;
  const marker = useNewMarker(place, {
    items,
    unread: props.unread.value,
    upToDate: props.upToDate.value,
    onSeen: props.onSeen,
  });
  const handlers = useMemo<MessageHandlers>(() => ({
    ...props.handlers,
    onOpen: setOpenId,
    onQuoted: (id) => showItem(scroller.current, id),
  }), [props.handlers]);

  const rows = useMemo(() => rowsOf(items, dayKey, marker.newFrom), [items, marker.newFrom]);
  // A room without messages has the note of its opening, unless it was cleared. The stored copy may be old, so the room
  // counts as empty only once the server has answered, or cannot be reached, and no older messages are left to load.
  const empty = older === "none" && (props.upToDate.value || (props.offline && items.length > 0)) &&
    items.every((item) => item.type === "note");
  return (
    <div class="relative flex-1 min-h-0 flex flex-col">
      {/* Focusable: a keyboard has to be able to scroll it. */}
      <div
        ref={scroller}
        tabIndex={0}
        role="log"
        aria-label={t.room.messages}
        aria-relevant="additions"
        aria-live={marker.settled ? "polite" : "off"}
        aria-busy={older === "loading"}
        class="timeline flex-1 min-h-0 overflow-y-auto overscroll-contain px-3"
      >
        <div class="min-h-full max-w-3xl mx-auto flex flex-col justify-end gap-3 py-3">
          <OlderRow older={older} onOlder={props.onOlder} hasItems={items.length > 0} />
          {rows.map((row) => <RowView key={row.key} row={row} openId={openId} handlers={handlers} />)}
          {props.loading && items.length === 0 && (
            <p data-starting class="text-dim text-center py-8 pulse">{t.room.loading}</p>
          )}
          {empty && <Lazy load={loadEmptyRoom} props={{ code: props.code, onShare: props.onShare }} />}
        </div>
      </div>
      {!atEnd && (
        <button
          type="button"
          onClick={toEnd}
          class="jump absolute bottom-3 flex items-center gap-2 min-h-touch min-w-touch px-3 bg-band text-on-band border-2 border-edge font-bold"
        >
          <Icon name="down" class="w-5 h-5" />
          <span class={marker.unseen > 0 ? "" : "sr-only"}>
            {marker.unseen > 0 ? t.room.jumpNew(marker.unseen) : t.room.jump}
          </span>
        </button>
      )}
    </div>
  );
}

function OlderRow(props: { older: "available" | "loading" | "none"; onOlder: () => void; hasItems: boolean }) {
  if (props.older === "none") {
    return props.hasItems ? <p class="text-xs text-dim text-center">{t.room.beginning}</p> : null;
  }
  return (
    <div class="flex justify-center">
      <button
        type="button"
        disabled={props.older === "loading"}
        onClick={props.onOlder}
        class="min-h-touch px-4 text-sm text-dim underline disabled:no-underline"
      >
        {props.older === "loading" ? t.room.loadingOlder : t.room.loadOlder}
      </button>
    </div>
  );
}

function RowView(props: { row: ConversationRow; openId: string | undefined; handlers: MessageHandlers }) {
  const { row } = props;
  switch (row.type) {
    case "group": {
      const openHere = row.items.some((item) => item.id === props.openId) ? props.openId : undefined;
      return <MessageGroup row={row} openId={openHere} handlers={props.handlers} />;
    }
    case "day":
      return <Rule words={dayName(row.at, Date.now())} class="text-dim" />;
    case "new":
      return <Rule words={t.room.newMessages} class="new-line text-flare-ink font-bold" />;
    case "note":
      return (
        <p data-item={row.item.id} class="text-sm text-dim text-center">
          {row.item.note === "room_opened" ? t.room.opened(nameOf(row.item.author)) : (
            <>
              <bdi>{nameOf(row.item.author)}</bdi> {t.room.renamed(row.item.name)}
            </>
          )}
        </p>
      );
    case "gap":
      return (
        <p data-item={row.item.id} class="text-sm text-dim text-center border-2 border-dashed border-line p-2">
          {row.item.gone ? t.room.gapGone(row.item.count) : t.room.gapLoading(row.item.count)}
        </p>
      );
  }
}

/** A line across, with a text in it. */
function Rule(props: { words: string; class: string }) {
  return (
    <div class={`flex items-center gap-3 text-sm ${props.class}`}>
      <span class="flex-1 border-t-2 border-current opacity-40" aria-hidden="true" />
      <span class="uppercase tracking-wide">{props.words}</span>
      <span class="flex-1 border-t-2 border-current opacity-40" aria-hidden="true" />
    </div>
  );
}

function showItem(scroller: HTMLElement | null, id: string): void {
  const item = scroller?.querySelector(`[data-item="${CSS.escape(id)}"]`);
  item?.scrollIntoView({ block: "center" });
  item?.querySelector("button")?.focus({ preventScroll: true });
}
