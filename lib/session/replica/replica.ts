/** Joins what a storage keeps of a log with what is added. */
import { REPLICA_MAX_EVENTS } from "../ports/session_limits.ts";
import { clipped, withRange } from "./ranges.ts";
import type { Replica } from "../ports/session_storage.ts";

/** The copy without its events, after `added` was joined, cut to the newest REPLICA_MAX_EVENTS positions. */
export function mergeReplica(
  before: Omit<Replica, "events"> | undefined,
  added: Omit<Replica, "events">,
): Omit<Replica, "events"> {
  let ranges = before?.epoch === added.epoch ? before.ranges : [];
  for (const { from, to } of added.ranges) ranges = withRange(ranges, from, to);
  const top = ranges.at(-1)?.to ?? 0;
  const { epoch, oldest, room } = added;
  return { epoch, oldest, room, ranges: clipped(ranges, top - REPLICA_MAX_EVENTS + 1, top) };
}
