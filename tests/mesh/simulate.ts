/**
 * Simulates a crowd under network conditions and faults, and measures the delivery of every event. Determined by the
 * seed.
 *
 * "Loss" is harsh: every frame on every link, of any kind, is lost with this probability, and nothing below the mesh
 * repairs it. (On a reliable data channel frames are lost only when a link breaks.)
 */
import type { EventId } from "../../lib/protocol/event.ts";
import { Crowd, type CrowdPhone, GOOD_NETWORK, type NetworkConditions } from "./crowd.ts";
import { fakeVerify } from "./fake_keys.ts";
import { Hostile, HOSTILE_KINDS } from "./hostile.ts";

export interface Scenario {
  name: string;
  phones: number;
  /** Share of phones with few links. */
  weak: number;
  loss: number;
  /** Share of phones that leave within a minute; they return after 5 to 30 s. */
  churnPerMinute: number;
  /** Share of phones that are hostile. */
  hostile: number;
  /** Number of partitions into two parts while events are written, 10 s each. */
  partitions: number;
  /** Events written, one after the other at random times within `writingMs`. */
  events: number;
  writingMs: number;
  /** Time without faults at the end, after which everyone should have every event. */
  healingMs: number;
  conditions?: Partial<NetworkConditions>;
}

export interface Outcome {
  seed: number;
  /** Share of (event, honest phone connected at the end) that got it. */
  delivered: number;
  /** Delivery time in ms for honest phones that were connected to the author at the time and stayed present. */
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
  /** Share of those deliveries within 10 s. */
  inTime: number;
  /** Event payloads sent by honest phones (lost ones included), per delivery. */
  copies: number;
  /** Frames sent by honest phones, per delivery. */
  framesPerDelivery: number;
  /** Events delivered twice to a phone. */
  duplicates: number;
  /** Delivered events that nobody wrote. */
  forgedAccepted: number;
  /** Links between honest phones ended for misbehaviour. */
  honestBans: number;
  /** Highest receipt count of an event minus the phones that have it. Above 0, a false receipt was counted. */
  receiptsTooMany: number;
  /** Median count of receipts per event. */
  receipts: number;
  connected: number;
  phones: number;
  steps: number;
  links: number;
}

/** Runs a scenario. */
export function simulate(scenario: Scenario, seed: number): Outcome {
  const crowd = new Crowd(seed, { ...GOOD_NETWORK, ...scenario.conditions });
  const { time, random } = crowd;
  const hostiles: Hostile[] = [];
  for (let count = 0; count < scenario.phones; count++) {
    time.after(count * 10, () => {
      const phone = crowd.join(random.chance(scenario.weak));
      if (count < Math.round(scenario.phones * scenario.hostile)) {
        hostiles.push(new Hostile(crowd, phone, HOSTILE_KINDS[count % HOSTILE_KINDS.length]!, seed));
      }
    });
  }
  time.run(scenario.phones * 10 + 15_000);
  crowd.conditions = { ...crowd.conditions, loss: scenario.loss };
  time.run(5_000);

  const written = new Map<EventId, { at: number; author: CrowdPhone; part: Set<CrowdPhone> }>();
  const lateBy: number[] = [];
  const before = totals(crowd);
  let faultsActive = true, taken = 0, forgedAccepted = 0;
  const reopenedAt = new Map<CrowdPhone, number>();
  crowd.onDelivered = (phone, event) => {
    if (phone.hostile) return;
    taken++;
    const origin = written.get(event.id);
    const isSigned = fakeVerify(event.author, event.wire[0], event.wire[1]);
    if (!isSigned || (origin === undefined && crowd.phones.get(event.author)?.hostile !== true)) forgedAccepted++;
    if (origin === undefined) return;
    if (origin.part.has(phone) && (reopenedAt.get(phone) ?? 0) < origin.at) lateBy.push(time.now - origin.at);
  };

  for (const hostile of hostiles) hostile.start();

  const churn = () => {
    if (!faultsActive) return;
    const there = crowd.list.filter((phone) => phone.alive && !phone.hostile);
    const phone = random.pick(there);
    phone.leave(random.chance(0.5));
    time.after(random.between(5_000, 30_000), () => {
      reopenedAt.set(phone, time.now);
      phone.reopen();
    });
    time.after(60_000 / (scenario.churnPerMinute * scenario.phones), churn);
  };
  if (scenario.churnPerMinute > 0) churn();

  for (let count = 0; count < scenario.partitions; count++) {
    time.after((count + 0.25) * scenario.writingMs / scenario.partitions, () => {
      const side = new Map(crowd.list.map((phone) => [phone, random.chance(0.4)]));
      crowd.canReach = (a, b) => side.get(a) === side.get(b);
      crowd.breakUnreachable();
      // A phone separated from the author within a second of the event was not connected long enough to be in time.
      for (const { at, author, part } of written.values()) {
        if (time.now - at > 1_000) continue;
        for (const phone of part) if (!crowd.canReach(author, phone)) part.delete(phone);
      }
      time.after(10_000, () => crowd.canReach = () => true);
    });
  }

  for (let count = 0; count < scenario.events; count++) {
    time.after(random.between(0, scenario.writingMs), () => {
      const author = random.pick(crowd.list.filter((phone) => phone.alive && !phone.hostile));
      // Recorded before publishing, because deliveries may be immediate.
      const part = crowd.connectedWith(author);
      const origin = { at: time.now, author, part };
      part.delete(author);
      author.write(`word ${count}`, (id) => written.set(id, origin));
    });
  }
  time.run(scenario.writingMs + 2_000);
  faultsActive = false;
  const alive = () => crowd.list.filter((phone) => phone.alive);
  const after = totals(crowd), takenWriting = taken;
  time.run(scenario.healingMs);

  return outcomeOf();

  function outcomeOf(): Outcome {
    const one = alive().filter((phone) => !phone.hostile);
    let part = new Set<CrowdPhone>();
    for (const phone of one.slice(0, 20)) {
      const its = crowd.connectedWith(phone);
      if (its.size > part.size) part = its;
    }
    let missing = 0, receiptsTooMany = 0;
    const receipts: number[] = [];
    for (const [id, { author }] of written) {
      // An event that only a phone outside the connected part holds cannot be delivered.
      const holders = crowd.list.filter((phone) => phone.deliveredAt.has(id)).length;
      if (holders === 1 && !part.has(author)) continue;
      for (const phone of part) if (!phone.deliveredAt.has(id)) missing++;
      const counted = author.receipts.get(id) ?? 0;
      receipts.push(counted);
      receiptsTooMany = Math.max(receiptsTooMany, counted - holders + 1);
    }
    // A missing delivery to an eligible phone counts as infinitely late.
    let eligible = 0;
    for (const [id, { at, part: its }] of written) {
      for (const phone of its) {
        if ((reopenedAt.get(phone) ?? 0) >= at || !phone.alive) continue;
        eligible++;
        if (!phone.deliveredAt.has(id)) lateBy.push(Infinity);
      }
    }
    lateBy.sort((a, b) => a - b);
    receipts.sort((a, b) => a - b);
    const percentile = (share: number) =>
      Math.round(lateBy[Math.min(lateBy.length - 1, Math.floor(lateBy.length * share))]!);
    return {
      seed,
      delivered: 1 - missing / (part.size * written.size),
      p50Ms: percentile(0.5),
      p95Ms: percentile(0.95),
      p99Ms: percentile(0.99),
      inTime: lateBy.filter((ms) => ms <= 10_000).length / Math.max(lateBy.length, eligible),
      copies: (after.payloads - before.payloads) / takenWriting,
      framesPerDelivery: (after.frames - before.frames) / takenWriting,
      duplicates: crowd.list.reduce((sum, phone) => sum + phone.duplicates, 0),
      forgedAccepted,
      honestBans: crowd.honestBans,
      receiptsTooMany,
      receipts: receipts[receipts.length >> 1] ?? 0,
      connected: part.size / one.length,
      phones: scenario.phones,
      steps: time.steps,
      links: alive().reduce((sum, phone) => sum + phone.node.stats().links, 0) / alive().length,
    };
  }
}

function totals(crowd: Crowd): { payloads: number; frames: number } {
  let payloads = 0, frames = 0;
  for (const phone of crowd.list) {
    if (phone.hostile) continue;
    const totals = phone.totals();
    payloads += totals.pushes + totals.pageEvents;
    frames += totals.frames;
  }
  return { payloads, frames };
}
