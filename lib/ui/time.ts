// Runs in browser and server.
/** Times and days as people read them, in their language and time zone. Made once: Intl formatters are dear. */
import type { Texts } from "./texts/room_texts.ts";

const DAY_MS = 86_400_000;

export interface Times {
  /** "21:45". */
  time(at: number): string;
  /** "Today", "Yesterday", or "Saturday, 14 June". */
  day(at: number, now: number): string;
  /** The same for two times of one day, different for two days. */
  dayKey(at: number): string;
}

export function timesFor(texts: Texts): Times {
  const time = new Intl.DateTimeFormat(texts.language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const day = new Intl.DateTimeFormat(texts.language, { weekday: "long", day: "numeric", month: "long" });
  const dayKey = (at: number) => {
    const date = new Date(at);
    return `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;
  };
  return {
    time: (at) => time.format(at),
    day: (at, now) => {
      if (dayKey(at) === dayKey(now)) return texts.room.today;
      // Noon: a day with a clock change has 23 or 25 hours.
      if (dayKey(at) === dayKey(new Date(now).setHours(12) - DAY_MS)) return texts.room.yesterday;
      return day.format(at);
    },
    dayKey,
  };
}
