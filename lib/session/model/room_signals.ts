/** The signals of a session that a page shows, and how they follow an open room. */
import { batch, type Signal, signal } from "@preact/signals";
import { isSame } from "../../shared/same.ts";
import type { PersonView, TimelineItem } from "../../chat/timeline.ts";
import type { EventId } from "../../protocol/event.ts";
import type { OpenRoom } from "../room/open_room.ts";
import type { ConnectionState } from "./connection_model.ts";
import type { RoomProblem, RoomView } from "./conversation_model.ts";

export class RoomSignals {
  readonly connection: Signal<ConnectionState> = signal({ state: "connecting" });
  readonly problem: Signal<RoomProblem | undefined> = signal(undefined);
  readonly room: Signal<RoomView | undefined> = signal(undefined);
  readonly me: Signal<PersonView | undefined> = signal(undefined);
  readonly messages: Signal<readonly TimelineItem[]> = signal([]);
  readonly people: Signal<{ count: number; shown: readonly PersonView[] }> = signal({ count: 0, shown: [] });
  readonly older: Signal<"available" | "loading" | "none"> = signal("none");
  readonly unread: Signal<ReadonlySet<EventId>> = signal(new Set());
  readonly upToDate: Signal<boolean> = signal(false);
  readonly stored: Signal<boolean>;

  constructor(stored: boolean) {
    this.stored = signal(stored);
  }

  protected show({ timeline, reader, present, readCursor, server, state, deps }: OpenRoom): void {
    batch(() => {
      this.older.value = reader.older;
      this.messages.value = timeline.items;
      this.unread.value = readCursor.unread;
      this.upToDate.value = server.upToDate;
      this.stored.value = state.storage.lasting;
      update(this.me, timeline.person(state.signer.author, deps.commands.name));
      const shown = [...present.names].map(([author, name]) => timeline.person(author, name));
      update(this.people, { count: present.count, shown });
    });
  }
}

/** Screens draw what changes: a new object that says the same is no change. */
function update<Value>(signal: Signal<Value>, value: Value): void {
  if (!isSame(signal.peek(), value)) signal.value = value;
}
