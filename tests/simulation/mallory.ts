/**
 * An attacker who violates the protocol: replays others' events, before and after their authors' own send, changes
 * them, signs wrongly, sends out of turn, reuses numbers and advances the clock. The room must look as if nothing
 * happened.
 */
import { isStub } from "../../lib/protocol/stub.ts";
import { decodeServerFrame, type ServerFrame } from "../../lib/protocol/frames.ts";
import { encodePayload, type RoomId, type WireEvent } from "../../lib/protocol/event.ts";
import { type Event, readEvent } from "../../lib/kinds/kinds.ts";
import { PROTOCOL_VERSION } from "../../lib/protocol/limits.ts";
import { type Signer, signEvent } from "../../lib/crypto/signing.ts";
import { fakeSigner } from "./fake_ed25519.ts";
import type { Link } from "./network.ts";
import type { SeededRandom } from "./random.ts";
import { Life } from "./scheduler.ts";
import { MALLORY, type World } from "./world.ts";

/** Events recorded for replay. */
const SEEN_MAX = 60;

export class Mallory {
  readonly author: string;
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #room: RoomId;
  readonly #life: Life;
  readonly #signer: Signer;
  readonly #seen: WireEvent[] = [];
  #link: Link | undefined;
  #inRoom = false;
  #n = 0;
  #clock = 1;
  #stopped = false;
  sent = 0;

  constructor(world: World, random: SeededRandom, room: RoomId) {
    this.#world = world;
    this.#random = random;
    this.#room = room;
    this.#life = new Life(world.scheduler);
    this.#signer = fakeSigner(random.bytes(32));
    this.author = this.#signer.author;
    this.#connect();
    this.#actLater();
  }

  stop(): void {
    this.#stopped = true;
    this.#link?.clientCloses();
  }

  #connect(): void {
    if (this.#stopped) return;
    this.#inRoom = false;
    const again = () => void this.#life.timers.after(this.#random.between(100, 4_000), () => this.#connect());
    this.#link = this.#world.connect({ room: this.#room, life: this.#life, device: MALLORY, network: "good" }, {
      opened: () => this.#random.chance(0.2) && this.#say(this.#random.pick(["{}", '{"type":"ping"}', "[]", "hello"])),
      received: (text) => this.#received(text),
      closed: again,
    });
  }

  #received(text: string): void {
    const decoded = decodeServerFrame(text);
    if (!decoded.ok) return;
    const { frame } = decoded;
    if (frame.type === "challenge") void this.#hello(frame);
    else if (frame.type === "welcome") {
      this.#inRoom = true;
      this.#n = Math.max(this.#n, frame.lastN);
      this.#clock = Math.max(this.#clock, frame.clock);
    } else if (frame.type === "events") {
      this.#seen.push(...frame.events.flatMap((entry) => isStub(entry) ? [] : [entry]));
      this.#seen.splice(0, this.#seen.length - SEEN_MAX);
    }
  }

  async #hello({ nonce }: Extract<ServerFrame, { type: "challenge" }>): Promise<void> {
    const wrong = this.#random.chance(0.1);
    const payload = JSON.stringify({
      hello: 1,
      nonce: wrong ? "AAAAAAAAAAAAAAAAAAAAAA" : nonce,
      room: this.#room,
      author: this.author,
      name: "Mallory",
    });
    // A position of another log, or far beyond this one.
    const resume = this.#random.chance(0.3)
      ? { resume: { epoch: "AAAAAAAAAAA", position: this.#random.between(0, 1_000_000) } }
      : {};
    this.#send({
      type: "hello",
      version: PROTOCOL_VERSION,
      proof: [payload, await this.#signer.sign(payload)],
      ...resume,
    });
  }

  #actLater(): void {
    this.#life.timers.after(this.#random.between(20, 1_500), () => {
      if (this.#stopped) return;
      if (this.#inRoom) void this.#act();
      this.#actLater();
    });
  }

  async #act(): Promise<void> {
    const random = this.#random;
    switch (
      random.weighted({
        replay: 5,
        overheard: 8,
        altered: 2,
        misSigned: 2,
        forged: 4,
        conflict: 2,
        far: 1,
        own: 3,
        junk: 2,
        history: 2,
      })
    ) {
      case "replay":
        return this.#sendEvents(this.#some(this.#seen));
      case "overheard":
        return this.#sendEvents(this.#some(this.#world.overheard));
      case "altered":
        return this.#sendEvents(
          this.#some(this.#seen).map(([payload, signature]) => [
            payload.replace(/"text":"/, '"text":"not '),
            signature,
          ]),
        );
      case "misSigned":
        return this.#sendEvents(this.#some(this.#world.overheard).map(([payload]) => [payload, "A".repeat(86)]));
      case "forged":
        return this.#sendEvents(this.#forged());
      case "conflict":
        return this.#sendEvents([(await this.#sign(Math.max(1, this.#n), this.#clock + 1)).wire]);
      case "far":
        // As far as the rules allow, and one step further.
        return this.#sendEvents([(await this.#sign(this.#n + 1, this.#clock + random.pick([10_001, 1_000_000]))).wire]);
      case "own":
        return this.#sendEvents([(await this.#sign(++this.#n, ++this.#clock)).wire]);
      case "junk":
        return this.#say(random.pick([
          "",
          "null",
          '{"type":"hello","version":1}',
          '{"type":"send","events":[]}',
          '{"type":"send","events":[["{}","' + "A".repeat(86) + '"]]}',
          '{"type":"history","before":0,"limit":1}',
          '{"type":"__proto__"}',
        ]));
      case "history":
        return this.#send({ type: "history", before: random.between(1, 500), limit: random.between(1, 200) });
    }
  }

  /** Another author's next event with Mallory's signature. */
  #forged(): WireEvent[] {
    const others = this.#seen.flatMap((wire) => {
      const read = readEvent(wire);
      return read.ok && read.event.author !== this.author && read.event.kind !== "room" ? [read.event] : [];
    });
    const victim = others.at(-1);
    if (victim === undefined) return [];
    const { room, author, at } = victim;
    const n = Math.max(...others.filter((event) => event.author === author).map((event) => event.n)) + 1;
    const content = { kind: "message", body: { name: "somebody", text: "I never said that" } } as const;
    const payload = encodePayload({ room, author, n, clock: this.#clock + 1, at }, content);
    return [[payload, "B".repeat(85) + "A"]];
  }

  #some(events: readonly WireEvent[]): WireEvent[] {
    if (events.length === 0) return [];
    // With duplicates, in any order.
    return Array.from({ length: this.#random.between(1, 6) }, () => this.#random.pick(events));
  }

  #sign(n: number, clock: number): Promise<Event> {
    const text = `mallory ${this.#random.uint32()}`;
    const header = { room: this.#room, n, clock, at: this.#life.clock.now() };
    return signEvent(this.#signer, header, { kind: "message", body: { name: "Mallory", text } });
  }

  #sendEvents(events: readonly WireEvent[]): void {
    if (events.length === 0) return;
    for (const wire of events) {
      const read = readEvent(wire);
      if (read.ok && read.event.author === this.author) this.#n = Math.max(this.#n, read.event.n);
    }
    this.#send({ type: "send", events });
  }

  #send(frame: unknown): void {
    this.#say(JSON.stringify(frame));
  }

  #say(text: string): void {
    this.sent++;
    this.#link?.clientSends(text);
  }
}
