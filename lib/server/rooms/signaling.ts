/**
 * Carries signals from one person of a room to another, also between instances. Nothing is stored: a signal that cannot be
 * delivered now is dropped, and its sender is informed if that is certain.
 *
 * Between instances: one mailbox per instance, at most one batch in flight to each; later signals wait for the next one.
 */
import { BoundedMap } from "../../shared/bounded.ts";
import type { SignalFailure } from "../../protocol/codes.ts";
import type { AuthorKey, RoomId } from "../../protocol/event.ts";
import type { ClientFrame } from "../../protocol/client_frames.ts";
import type { ServerFrame } from "../../protocol/frames.ts";
import { type Envelope, ENVELOPE_BATCH_MAX_CHARS, type EnvelopeBatch } from "../../store/instances/mailboxes.ts";
import type { Store } from "../../store/store.ts";
import type { ServerConfig } from "../config/server_config.ts";
import type { Environment, OnFailure } from "../environment.ts";
import type { Hub, Member } from "./hub.ts";

export interface SignalingDeps {
  store: Pick<Store, "mailboxes">;
  config: Pick<ServerConfig, "signaling">;
  environment: Pick<Environment, "clock">;
  instance: string;
  /** The open room with this id. */
  hubOf(room: RoomId): Hub | undefined;
  onFailure: OnFailure;
}

/** An envelope that waits for the next batch, and what to do when the batch is not delivered. */
interface Waiting {
  envelope: Envelope;
  failed(): void;
}

export class Signaling {
  readonly #deps: SignalingDeps;
  readonly #closing = new AbortController();
  /** Waiting envelopes by instance; present while a batch is in flight to it. */
  readonly #queues = new Map<string, Waiting[]>();
  readonly #sending = new Set<Promise<void>>();
  /** The instances that people's signals came from: the return path until presence names them. Oldest first. */
  readonly #heard: BoundedMap<string, { instance: string; at: number }>;
  readonly #listening: Promise<void>;

  constructor(deps: SignalingDeps) {
    this.#deps = deps;
    this.#heard = new BoundedMap(deps.config.signaling.heardAuthors);
    this.#listening = this.#listen();
  }

  /** Stops listening and leaves nothing running. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([this.#listening, ...this.#sending]);
  }

  /** Delivers a signal to all connections of its receiver; informs the sender if it certainly reached nobody. */
  send(hub: Hub, sender: Member, { to, payload, signature }: ClientFrame<"signal">): void {
    const room = hub.room.id, from = sender.person.author;
    const here = passHere(hub, to, signalText(from, payload, signature));
    const { instances, sure } = this.#instancesOf(hub, to);
    // If only one other instance can have the receiver, its answer is final. With several, each knows only its own people.
    const answer = here === "not_present" && sure && instances.length === 1;
    const envelope: Envelope = { type: "signal", room, from, to, payload, signature, answer };
    const failed = () => here === "passed" || sender.tell(undeliverableText(to, "busy"));
    let queued = false;
    for (const instance of instances) queued = this.#enqueue(instance, { envelope, failed }) || queued;
    if (here === "passed" || queued) return;
    sender.tell(undeliverableText(to, here === "busy" || instances.length > 0 ? "busy" : "not_present"));
  }

  #instancesOf(hub: Hub, author: AuthorKey): { instances: string[]; sure: boolean } {
    const { config: { signaling: { heardMs } }, environment: { clock }, instance } = this.#deps;
    const known = hub.presence.instancesOf(author);
    const heard = this.#heard.get(`${hub.room.id} ${author}`);
    if (heard === undefined || heard.at + heardMs < clock.now() || heard.instance === instance) return known;
    const instances = known.sure ? known.instances : [];
    return { instances: [...new Set([heard.instance, ...instances])], sure: true };
  }

  // ---- to other instances ----

  /** Whether the envelope now waits for the next batch. */
  #enqueue(instance: string, waiting: Waiting): boolean {
    if (this.#closing.signal.aborted) return false;
    const queue = this.#queues.get(instance);
    if (queue !== undefined) {
      if (queue.length >= this.#deps.config.signaling.queueEnvelopes) return false;
      queue.push(waiting);
      return true;
    }
    this.#queues.set(instance, [waiting]);
    const sending = this.#sendAll(instance).finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
    return true;
  }

  async #sendAll(instance: string): Promise<void> {
    // Envelopes of the same moment share a batch.
    await undefined;
    const { store: { mailboxes }, config: { signaling: { lifeMs } }, environment: { clock }, instance: me } =
      this.#deps;
    const queue = this.#queues.get(instance)!;
    while (queue.length > 0 && !this.#closing.signal.aborted) {
      const batch = nextBatch(queue);
      try {
        const put = await mailboxes.put(instance, me, batch.map(({ envelope }) => envelope), lifeMs, clock.now());
        if (!put) batch.forEach(({ failed }) => failed());
      } catch (error) {
        this.#deps.onFailure(error);
        batch.forEach(({ failed }) => failed());
      }
    }
    this.#queues.delete(instance);
  }

  // ---- from other instances ----

  async #listen(): Promise<void> {
    const { store: { mailboxes }, environment: { clock }, instance } = this.#deps;
    for await (const _ of mailboxes.listen(instance, this.#closing.signal)) {
      try {
        for (const batch of await mailboxes.take(instance, clock.now())) this.#open(batch);
      } catch (error) {
        this.#deps.onFailure(error); // The next notification tries again; old envelopes expire.
      }
    }
  }

  #open({ from: instance, envelopes }: EnvelopeBatch): void {
    for (const envelope of envelopes) {
      const { room, from, to } = envelope;
      const hub = this.#deps.hubOf(room);
      if (envelope.type === "signal_undeliverable") {
        if (hub !== undefined) passHere(hub, from, undeliverableText(to, envelope.reason));
        continue;
      }
      this.#heard.set(`${room} ${from}`, { instance, at: this.#deps.environment.clock.now() });
      const text = signalText(from, envelope.payload, envelope.signature);
      const reason = hub === undefined ? "not_present" : passHere(hub, to, text);
      if (reason === "passed" || !envelope.answer) continue;
      // A lost answer is harmless, because callers have their own timeout.
      this.#enqueue(instance, { envelope: { type: "signal_undeliverable", room, from, to, reason }, failed: () => {} });
    }
  }
}

/** Sends a frame to all connections of a person on this instance. */
function passHere(hub: Hub, author: AuthorKey, text: string): SignalFailure | "passed" {
  let result: SignalFailure | "passed" = "not_present";
  for (const member of hub.membersOf(author)) {
    if (member.pass(text)) result = "passed";
    else if (result === "not_present") result = "busy";
  }
  return result;
}

/** Removes the first envelopes of a queue that fit into one batch: at least one. */
function nextBatch(queue: Waiting[]): Waiting[] {
  let chars = 0, count = 0;
  for (const { envelope } of queue) {
    chars += envelope.type === "signal" ? envelope.payload.length : 0;
    if (count > 0 && (chars > ENVELOPE_BATCH_MAX_CHARS || count >= BATCH_MAX_ENVELOPES)) break;
    count++;
  }
  return queue.splice(0, count);
}

/** Beside their payloads, envelopes have about 250 characters each: these are 12 KiB. */
const BATCH_MAX_ENVELOPES = 48;

function signalText(from: AuthorKey, payload: string, signature: string): string {
  return JSON.stringify({ type: "signal", from, payload, signature });
}

function undeliverableText(to: AuthorKey, reason: SignalFailure): string {
  return JSON.stringify({ type: "signal_undeliverable", to, reason } satisfies ServerFrame<"signal_undeliverable">);
}
