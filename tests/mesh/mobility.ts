/**
 * A mobility scenario without a server. People stay on islands (a stage, a camp site) and sometimes walk to another
 * one. Links exist only within an island. An arriving phone knows one phone there, whose code it scanned, and learns of
 * the others over the mesh. Only walking people carry messages between islands.
 */
import type { EventId } from "../../lib/protocol/event.ts";
import { Crowd, type CrowdPhone, GOOD_NETWORK } from "./crowd.ts";

export interface MobilityScenario {
  name: string;
  phones: number;
  islands: number;
  /** Duration of a stay and of a walk, from and to, ms. */
  stayMs: readonly [number, number];
  walkMs: readonly [number, number];
  /** Events written in the first five minutes. */
  events: number;
  /** Time for an event to reach every phone. */
  withinMs: number;
}

export interface MobilityOutcome {
  seed: number;
  /** Share of (event, phone) delivered in time. */
  delivered: number;
  /** Minutes until half, and nine tenths, of all (event, phone) were delivered. */
  p50Minutes: number;
  p90Minutes: number;
  /** Event payloads sent per delivery. */
  copies: number;
  duplicates: number;
  walks: number;
  steps: number;
}

const WRITING_MS = 300_000;

export function simulateMobility(scenario: MobilityScenario, seed: number): MobilityOutcome {
  const crowd = new Crowd(seed, GOOD_NETWORK);
  const { time, random } = crowd;
  /** Undefined: walking. */
  const islands = new Map<CrowdPhone, number | undefined>();
  crowd.canReach = (a, b) => islands.get(a) !== undefined && islands.get(a) === islands.get(b);
  crowd.shownToNewcomers = 1;
  let walks = 0;

  const arrive = (phone: CrowdPhone) => {
    islands.set(phone, random.between(1, scenario.islands));
    crowd.introduce(phone);
    time.after(random.between(...scenario.stayMs), () => {
      walks++;
      islands.set(phone, undefined);
      crowd.breakUnreachable();
      time.after(random.between(...scenario.walkMs), () => arrive(phone));
    });
  };
  for (let count = 0; count < scenario.phones; count++) {
    time.after(count * 20, () => arrive(crowd.join(random.chance(0.3))));
  }
  time.run(scenario.phones * 20 + 10_000);

  const writtenAt = new Map<EventId, number>();
  const deliveryMs: number[] = [];
  crowd.onDelivered = (_phone, { id }) => deliveryMs.push(time.now - writtenAt.get(id)!);
  for (let count = 0; count < scenario.events; count++) {
    time.after(random.between(0, WRITING_MS), () => {
      random.pick(crowd.list).write(`word ${count}`, (id) => writtenAt.set(id, time.now));
    });
  }
  time.run(WRITING_MS + scenario.withinMs);

  deliveryMs.sort((a, b) => a - b);
  const all = scenario.events * (scenario.phones - 1);
  const minutes = (share: number) => Math.round((deliveryMs[Math.floor(all * share)] ?? Infinity) / 6_000) / 10;
  let payloads = 0;
  for (const phone of crowd.list) payloads += phone.totals().pushes + phone.totals().pageEvents;
  return {
    seed,
    delivered: deliveryMs.filter((ms) => ms <= scenario.withinMs).length / all,
    p50Minutes: minutes(0.5),
    p90Minutes: minutes(0.9),
    copies: payloads / deliveryMs.length,
    duplicates: crowd.list.reduce((sum, phone) => sum + phone.duplicates, 0),
    walks,
    steps: time.steps,
  };
}
