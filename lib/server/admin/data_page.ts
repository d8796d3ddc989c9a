/** The page "Data": backup, import, and deleting everything. */
import type { RoomInfo } from "../../protocol/frames.ts";
import { type Done, OperatorPage } from "./actions.ts";
import { backupLines } from "./backup.ts";
import type { Operator } from "./login.ts";
import { ArchiveError, linesOf, readRoom } from "./room_archive.ts";
import { deleteForGood, roomNameOf } from "./rooms_page.ts";

/** The operator types this before everything is deleted. */
export const WIPE_WORDS = "delete everything";
/** Rooms deleted at a time. */
const STEP_ROOMS = 100;

export class DataPage extends OperatorPage {
  async backup({ by }: Operator): Promise<AsyncIterable<string>> {
    const { store, environment: { clock } } = this.deps;
    await this.deps.audit.write(by, "backup_taken", {});
    return backupLines(store, clock.now());
  }

  /** Makes a room from an archive. When it throws ArchiveError, nothing of the room is left. */
  async importRoom(
    { by }: Operator,
    stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  ): Promise<{ room: RoomInfo } | { problem: "id_taken" | "no_free_code" | "interrupted" }> {
    const { store, server, verifier } = this.deps;
    const lines = linesOf(stream);
    const first = await lines.next();
    if (first === undefined) throw new ArchiveError("not_an_archive", 1, "the file is empty");
    const { snapshot, events } = await readRoom(first, lines, verifier);
    const { id } = snapshot.room;
    // A refused import is not in the log. The restoration checks again, for imports that run at the same time.
    if (await store.rooms.byId(id) !== undefined || await store.rooms.wasDeleted(id)) return { problem: "id_taken" };
    await this.deps.audit.write(by, "room_imported", roomNameOf(snapshot.room));
    try {
      const made = await store.archive.restore(snapshot, events);
      if ("problem" in made) return made;
      await server.roomChanged(made.id);
      return { room: made };
    } catch (error) {
      if (error instanceof ArchiveError) await store.rooms.finishRemovals();
      throw error;
    }
  }

  /** Deletes every room. */
  async wipe({ by }: Operator, typed: string): Promise<Done<{ rooms: number }>> {
    const { store } = this.deps;
    if (typed.trim().toLowerCase() !== WIPE_WORDS) return { ok: false, problem: "not_confirmed" };
    await this.deps.audit.write(by, "everything_deleted", { rooms: await store.rooms.count() });
    let deleted = 0;
    for (;;) {
      const rooms = await store.rooms.page(undefined, STEP_ROOMS);
      for (const room of rooms) await deleteForGood(this.deps, room);
      deleted += rooms.length;
      if (rooms.length < STEP_ROOMS) break;
    }
    await store.settings.setSuggested([]);
    await this.deps.server.settings.refresh();
    return { ok: true, rooms: deleted };
  }
}
