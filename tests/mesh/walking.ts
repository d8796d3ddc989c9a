/**
 * People on a field without any server. They stand together on islands (a stage, a camp site) and walk between them now
 * and then. Links exist only among phones of one island. Who arrives knows one phone there, whose code it scanned; the
 * others it hears of over the mesh. Messages get from island to island only in the pockets of those who walk.
 */
import type { EventId } from "../../lib/protocol/event.ts";
import { Crowd, type CrowdPhone, QUIET } from "./crowd.ts";

export interface Walk {
  name: string;
  phones: number;
  islands: number;
  /** How long somebody stays, and walks, from and to, ms. */
  stayMs: readonly [number, number];
  walkMs: readonly [number, number];
  /** Written in the first five minutes. */
  events: number;
  /** How long an event has to get everywhere. */
  withinMs: number;
}

export interface WalkOutcome {
  seed: number;
  /** Share of (event, phone) delivered in time. */
  delivered: number;
  /** Minutes until half, and nine tenths, of all (event, phone) were delivered. */
  p50Minutes: number;
  p90Minutes: number;
  /** Event payloads sent per event and phone that took it. */
  copies: number;
  twice: number;
  walks: number;
  steps: number;
}

const WRITING_MS = 300_000;

export function walk(plot: Walk, seed: number): WalkOutcome {
  const crowd = new Crowd(seed, QUIET);
  const { time, random } = crowd;
  /** Undefined: on the way. */
  const islands = new Map<CrowdPhone, number | undefined>();
  crowd.canReach = (a, b) => islands.get(a) !== undefined && islands.get(a) === islands.get(b);
  crowd.shownToNewcomers = 1;
  let walks = 0;

  const arrive = (phone: CrowdPhone) => {
    islands.set(phone, random.between(1, plot.islands));
    crowd.introduce(phone);
    time.after(random.between(...plot.stayMs), () => {
      walks++;
      islands.set(phone, undefined);
      crowd.breakUnreachable();
      time.after(random.between(...plot.walkMs), () => arrive(phone));
    });
  };
  for (let count = 0; count < plot.phones; count++) {
    time.after(count * 20, () => arrive(crowd.join(random.chance(0.3))));
  }
  time.run(plot.phones * 20 + 10_000);

  const writtenAt = new Map<EventId, number>();
  const took: number[] = [];
  crowd.onTold = (_phone, { id }) => took.push(time.now - writtenAt.get(id)!);
  for (let count = 0; count < plot.events; count++) {
    time.after(random.between(0, WRITING_MS), () => {
      random.pick(crowd.list).write(`word ${count}`, (id) => writtenAt.set(id, time.now));
    });
  }
  time.run(WRITING_MS + plot.withinMs);

  took.sort((a, b) => a - b);
  const all = plot.events * (plot.phones - 1);
  const minutes = (share: number) => Math.round((took[Math.floor(all * share)] ?? Infinity) / 6_000) / 10;
  let payloads = 0;
  for (const phone of crowd.list) payloads += phone.totals().pushes + phone.totals().pageEvents;
  return {
    seed,
    delivered: took.filter((ms) => ms <= plot.withinMs).length / all,
    p50Minutes: minutes(0.5),
    p90Minutes: minutes(0.9),
    copies: payloads / took.length,
    twice: crowd.list.reduce((sum, phone) => sum + phone.twice, 0),
    walks,
    steps: time.steps,
  };
}
