import { Component } from "preact";
import { markOf } from "../../lib/ui/hue.ts";
import type { ConversationRow } from "../../lib/ui/conversation_rows.ts";
import { timeOfDay } from "../../lib/ui/time.ts";
import { Author } from "./Author.tsx";
import { Message, type MessageHandlers } from "./Message.tsx";

interface GroupProps {
  row: Extract<ConversationRow, { type: "group" }>;
  /** The message whose actions are shown, when it is in this group. */
  openId: string | undefined;
  handlers: MessageHandlers;
}

/**
 * Consecutive messages of one person. Renders again only if something in it changed, so that in a busy room the list
 * above stays untouched.
 */
export class MessageGroup extends Component<GroupProps> {
  override shouldComponentUpdate(next: GroupProps): boolean {
    const { row, openId, handlers } = this.props;
    return openId !== next.openId || handlers !== next.handlers || row.items.length !== next.row.items.length ||
      row.author !== next.row.author ||
      row.items.some((item, i) => item !== next.row.items[i]);
  }

  override render({ row, openId, handlers }: GroupProps) {
    const { author, items } = row;
    const at = items[0]?.at ?? 0;
    const mine = author.me;
    return (
      <div class={mine ? "own-messages" : `others-messages ${markOf(author.author).hueClass}`}>
        {/* My own groups stand on the other side, so my name is only for screen readers. */}
        <div class={mine ? "sr-only" : "flex items-baseline gap-2"}>
          <Author person={author} class="flex-1 break-words" />
          <time dateTime={new Date(at).toISOString()} class="text-xs text-dim tabular-nums">{timeOfDay(at)}</time>
        </div>
        {items.map((item, i) => (
          <Message
            key={item.id}
            item={item}
            first={i === 0}
            time={mine ? timeOfDay(item.at) : undefined}
            open={openId === item.id}
            handlers={handlers}
          />
        ))}
      </div>
    );
  }
}
