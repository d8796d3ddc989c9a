/**
 * Carries signals from one person of a room to another, also between instances. Nothing is kept: what cannot be handed
 * over now is dropped, and the sender is told where that is known.
 *
 * Between instances: one mailbox per instance, at most one post under way to each; what comes meanwhile goes in the next.
 */
import { BoundedMap } from "../../shared/bounded.ts";
import type { Clock } from "../../shared/environment.ts";
import type { SignalFailure } from "../../protocol/codes.ts";
import type { AuthorKey, RoomId } from "../../protocol/event.ts";
import type { SendSignalFrame, SignalUndeliverableFrame } from "../../protocol/frames.ts";
import {
  type Envelope,
  ENVELOPE_BATCH_MAX_CHARS,
  type EnvelopeBatch,
  type MailboxStore,
} from "../../store/instances/mailboxes.ts";
import { StorageUnavailable } from "../../store/database.ts";
import type { ServerConfig } from "../config/server_config.ts";
import type { Hub, Member } from "./hub.ts";

export interface SignalingDeps {
  mailboxes: MailboxStore;
  config: ServerConfig["signaling"];
  clock: Clock;
  instance: string;
  /** The open room with this id. */
  hubOf(room: RoomId): Hub | undefined;
  onFailure(error: StorageUnavailable): void;
}

/** A letter that waits for its post, and what to do when the post does not go. */
interface Waiting {
  letter: Envelope;
  failed(): void;
}

export class Signaling {
  readonly #deps: SignalingDeps;
  readonly #closing = new AbortController();
  /** Envelopes that wait, by instance; present while a post is under way there. */
  readonly #queues = new Map<string, Waiting[]>();
  readonly #sending = new Set<Promise<void>>();
  /** Where signals of people came from: the way back, before presence tells it. Oldest first. */
  readonly #heard: BoundedMap<string, { instance: string; at: number }>;
  readonly #listening: Promise<void>;

  constructor(deps: SignalingDeps) {
    this.#deps = deps;
    this.#heard = new BoundedMap(deps.config.heardAuthors);
    this.#listening = this.#listen();
  }

  /** Stops listening; nothing is left running. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([this.#listening, ...this.#sending]);
  }

  /** Takes a signal to its receiver, on all their connections; tells the sender when it surely reached nobody. */
  send(hub: Hub, sender: Member, { to, payload, signature }: SendSignalFrame): void {
    const room = hub.room.id, from = sender.person.author;
    const here = passHere(hub, to, signalText(from, payload, signature));
    const { instances, sure } = this.#instancesOf(hub, to);
    // Of one who is nowhere else, the other instance's word is the last one. Of several, each knows only its own part.
    const answer = here === "not_present" && sure && instances.length === 1;
    const letter: Envelope = { type: "signal", room, from, to, payload, signature, answer };
    const failed = () => here === "passed" || sender.tell(undeliverableText(to, "busy"));
    let posted = false;
    for (const instance of instances) posted = this.#post(instance, { letter, failed }) || posted;
    if (here === "passed" || posted) return;
    sender.tell(undeliverableText(to, here === "busy" || instances.length > 0 ? "busy" : "not_present"));
  }

  #instancesOf(hub: Hub, author: AuthorKey): { instances: string[]; sure: boolean } {
    const { config: { heardMs }, clock, instance } = this.#deps;
    const known = hub.presence.instancesOf(author);
    const heard = this.#heard.get(`${hub.room.id} ${author}`);
    if (heard === undefined || heard.at + heardMs < clock.now() || heard.instance === instance) return known;
    const instances = known.sure ? known.instances : [];
    return { instances: [...new Set([heard.instance, ...instances])], sure: true };
  }

  // ---- to other instances ----

  /** Whether the letter waits for its post now. */
  #post(instance: string, waiting: Waiting): boolean {
    if (this.#closing.signal.aborted) return false;
    const queue = this.#queues.get(instance);
    if (queue !== undefined) {
      if (queue.length >= this.#deps.config.queueEnvelopes) return false;
      queue.push(waiting);
      return true;
    }
    this.#queues.set(instance, [waiting]);
    const sending = this.#sendAll(instance).finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
    return true;
  }

  async #sendAll(instance: string): Promise<void> {
    // Envelopes of the same moment go together.
    await undefined;
    const { mailboxes, config: { lifeMs }, clock, instance: me } = this.#deps;
    const queue = this.#queues.get(instance)!;
    while (queue.length > 0 && !this.#closing.signal.aborted) {
      const post = nextPost(queue);
      try {
        const put = await mailboxes.put(instance, me, post.map(({ letter }) => letter), lifeMs, clock.now());
        if (!put) post.forEach(({ failed }) => failed());
      } catch (error) {
        if (!(error instanceof StorageUnavailable)) throw error;
        this.#deps.onFailure(error);
        post.forEach(({ failed }) => failed());
      }
    }
    this.#queues.delete(instance);
  }

  // ---- from other instances ----

  async #listen(): Promise<void> {
    const { mailboxes, instance, clock } = this.#deps;
    for await (const _ of mailboxes.listen(instance, this.#closing.signal)) {
      try {
        for (const post of await mailboxes.take(instance, clock.now())) this.#open(post);
      } catch (error) {
        if (!(error instanceof StorageUnavailable)) throw error;
        this.#deps.onFailure(error); // The next ring comes here again; what lies there expires.
      }
    }
  }

  #open({ from: instance, envelopes }: EnvelopeBatch): void {
    for (const letter of envelopes) {
      const { room, from, to } = letter;
      const hub = this.#deps.hubOf(room);
      if (letter.type === "signal_undeliverable") {
        if (hub !== undefined) passHere(hub, from, undeliverableText(to, letter.reason));
        continue;
      }
      this.#remember(`${room} ${from}`, instance);
      const text = signalText(from, letter.payload, letter.signature);
      const reason = hub === undefined ? "not_present" : passHere(hub, to, text);
      if (reason === "passed" || !letter.answer) continue;
      // A word that does not get through is missed by nobody for long: callers have a patience of their own.
      this.#post(instance, { letter: { type: "signal_undeliverable", room, from, to, reason }, failed: () => {} });
    }
  }

  #remember(author: string, instance: string): void {
    this.#heard.set(author, { instance, at: this.#deps.clock.now() });
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

/** Takes from the front of a queue what fits into one post: one letter at least. */
function nextPost(queue: Waiting[]): Waiting[] {
  let chars = 0, count = 0;
  for (const { letter } of queue) {
    chars += letter.type === "signal" ? letter.payload.length : 0;
    if (count > 0 && (chars > ENVELOPE_BATCH_MAX_CHARS || count >= POST_MAX_LETTERS)) break;
    count++;
  }
  return queue.splice(0, count);
}

/** Beside their payloads, envelopes have about 250 characters each: these are 12 KiB. */
const POST_MAX_LETTERS = 48;

function signalText(from: AuthorKey, payload: string, signature: string): string {
  return JSON.stringify({ type: "signal", from, payload, signature });
}

function undeliverableText(to: AuthorKey, reason: SignalFailure): string {
  return JSON.stringify({ type: "signal_undeliverable", to, reason } satisfies SignalUndeliverableFrame);
}
