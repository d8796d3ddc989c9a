// Runs in browser and server.
/** Times and days as people read them, in their language and time zone. */
import { roomTexts } from "./texts/room_texts.ts";

const DAY_MS = 86_400_000;
// Made once: an Intl formatter costs far more than its use.
const time = new Intl.DateTimeFormat(roomTexts.language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(roomTexts.language, { weekday: "long", day: "numeric", month: "long" });

/** "21:45". */
export function timeOfDay(at: number): string {
  return time.format(at);
}

/** "Today", "Yesterday", or "Saturday, June 14". */
export function dayName(at: number, now: number): string {
  if (dayKey(at) === dayKey(now)) return roomTexts.room.today;
  // From noon, because a day with a clock change has 23 or 25 hours.
  if (dayKey(at) === dayKey(new Date(now).setHours(12) - DAY_MS)) return roomTexts.room.yesterday;
  return day.format(at);
}

/** The same for two times of one day, different for two days. */
export function dayKey(at: number): string {
  const date = new Date(at);
  return `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;
}
