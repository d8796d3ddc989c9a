/** What the local copy of a log keeps, for every storage. */
import { COPY_MAX_EVENTS } from "../ports/session_limits.ts";
import { within, withRange } from "./ranges.ts";
import type { Replica } from "../ports/session_storage.ts";

/** Head matter of a copy that has `added` to what it had, cut to the newest COPY_MAX_EVENTS positions. */
export function mergeReplica(
  before: Omit<Replica, "events"> | undefined,
  added: Omit<Replica, "events">,
): Omit<Replica, "events"> {
  let ranges = before?.epoch === added.epoch ? before.ranges : [];
  for (const { from, to } of added.ranges) ranges = withRange(ranges, from, to);
  const top = ranges.at(-1)?.to ?? 0;
  const { epoch, oldest, room } = added;
  return { epoch, oldest, room, ranges: within(ranges, top - COPY_MAX_EVENTS + 1, top) };
}
