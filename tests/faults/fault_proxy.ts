/**
 * A TCP proxy on loopback that behaves like a bad network between a client and a server. Each connection has a rule, which
 * can change while it runs. The proxy knows just enough HTTP to read the head of a connection's first request. Tests wait
 * for events instead of sleeping.
 *
 * To extend: a new fault is a variant of FaultRule and its case in `#carry`, or in `#serve` when it does without the server.
 */

/** A fault of a connection. */
export type FaultRule =
  /** No fault. */
  | { fault: "pass" }
  /** A black hole: accepts everything, answers nothing, stays open. */
  | { fault: "drop" }
  /** Delays everything by this much, in both directions, in order. */
  | { fault: "delay"; ms: number }
  /** After so many bytes to the client: a black hole. */
  | { fault: "mute"; afterBytes: number }
  /** After the head of the server's first answer (a WebSocket opens): a black hole. */
  | { fault: "mute_after_head" }
  /** Is cut after so long without a byte in either direction. */
  | { fault: "cut_idle"; ms: number }
  /** The first request loses its `Upgrade`, as in proxies without WebSocket support. */
  | { fault: "strip_upgrade" }
  /** The first request is answered with this status by the proxy, and the connection ends. */
  | { fault: "answer"; status: number }
  /** Both directions slow down to this. */
  | { fault: "trickle"; bytesPerSecond: number };

/** Chooses the rule of a connection by the head of its first request, e.g. only for WebSockets. */
export type ChooseRule = (head: string) => FaultRule;

export interface FaultProxyOptions {
  /** Where the server is. */
  port: number;
  /** The rule of future connections. Default: pass. */
  rule?: FaultRule | ChooseRule;
}

/** Chooses a fault for WebSockets only; other requests pass. */
export function onlySockets(rule: FaultRule): ChooseRule {
  return (head) => isUpgrade(head) ? rule : { fault: "pass" };
}

/** Whether the head of a request asks for a WebSocket. */
export function isUpgrade(head: string): boolean {
  return /^upgrade:\s*websocket/im.test(head);
}

/** Longest head of a request that is read to choose a rule. */
const HEAD_MAX_BYTES = 16_384;

export class FaultProxy {
  /** The rule of future connections; open ones keep theirs. */
  rule: FaultRule | ChooseRule;
  /** Every connection so far, in the order they came. */
  readonly connections: ProxiedConnection[] = [];
  readonly #listener: Deno.TcpListener;
  readonly #target: number;
  readonly #running = new Set<Promise<void>>();
  #heard = Promise.withResolvers<void>();

  constructor({ port, rule = { fault: "pass" } }: FaultProxyOptions) {
    this.#target = port;
    this.rule = rule;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#track(this.#accept());
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** `http://127.0.0.1:port`. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The connections that are open. */
  get open(): ProxiedConnection[] {
    return this.connections.filter((connection) => connection.isOpen);
  }

  /** The first connection, now or when it comes, that fits. */
  async connection(
    fits: (connection: ProxiedConnection) => boolean = () => true,
  ): Promise<ProxiedConnection> {
    for (;;) {
      const found = this.connections.find(fits);
      if (found !== undefined) return found;
      await this.#heard.promise;
    }
  }

  /** Sets the rule of every open and future connection. */
  apply(rule: FaultRule): void {
    this.rule = rule;
    for (const connection of this.open) connection.rule = rule;
  }

  /** Cuts every open connection. */
  cut(): void {
    for (const connection of this.open) connection.cut();
  }

  /** Cuts everything and stops listening. */
  async close(): Promise<void> {
    this.#listener.close();
    this.cut();
    await Promise.all(this.#running);
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) {
      const connection = new ProxiedConnection(client, this.#target, () => this.rule, () => {
        this.#heard.resolve();
        this.#heard = Promise.withResolvers();
      });
      this.connections.push(connection);
      this.#track(connection.done);
    }
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#running.delete(tracked));
    this.#running.add(tracked);
  }
}

/** One client's connection through the proxy. */
export class ProxiedConnection {
  /** The head of the first request, once it is here. */
  head = "";
  bytesToClient = 0;
  bytesToServer = 0;
  /** Resolves when the connection has fallen silent by `drop` or `mute`. */
  readonly muted: Promise<void>;
  /** Resolves with the side that ended it. */
  readonly ended: Promise<"client" | "server" | "proxy">;
  /** Resolves when all its resources are released. */
  readonly done: Promise<void>;
  readonly #client: Deno.TcpConn;
  #server: Deno.TcpConn | undefined;
  #rule: FaultRule = { fault: "pass" };
  #open = true;
  #headPassed = false;
  #resolveMuted: () => void;
  #resolveEnded: (by: "client" | "server" | "proxy") => void;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #waits = new Map<ReturnType<typeof setTimeout>, () => void>();
  readonly #changed: () => void;

  constructor(client: Deno.TcpConn, target: number, rule: () => FaultRule | ChooseRule, changed: () => void) {
    this.#client = client;
    this.#changed = changed;
    ({ promise: this.muted, resolve: this.#resolveMuted } = Promise.withResolvers<void>());
    ({ promise: this.ended, resolve: this.#resolveEnded } = Promise.withResolvers<"client" | "server" | "proxy">());
    this.done = this.#serve(target, rule).catch(() => this.#end("proxy"));
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** Sets its fault from now on. `strip_upgrade` and `answer` only matter before its first request. */
  get rule(): FaultRule {
    return this.#rule;
  }

  set rule(rule: FaultRule) {
    this.#rule = rule;
    this.#watchIdle();
    if (rule.fault === "drop") this.#resolveMuted();
  }

  /** Ends it on both sides. */
  cut(): void {
    this.#end("proxy");
  }

  async #serve(target: number, rule: () => FaultRule | ChooseRule): Promise<void> {
    let first = new Uint8Array();
    // Only what chooses by the head, or changes it, has to wait for it.
    const chosen = rule();
    if (typeof chosen !== "function") this.rule = chosen;
    this.#changed();
    if (typeof chosen === "function" || chosen.fault === "strip_upgrade" || chosen.fault === "answer") {
      first = await this.#readHead();
      if (typeof chosen === "function") this.rule = chosen(this.head);
      this.#changed();
    }
    if (this.#rule.fault === "answer") {
      const { status } = this.#rule;
      const text = `HTTP/1.1 ${status} by the fault proxy\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`;
      await this.#write(this.#client, new TextEncoder().encode(text)).catch(() => {});
      return this.#end("proxy");
    }
    try {
      this.#server = await Deno.connect({ hostname: "127.0.0.1", port: target });
      this.#server.setNoDelay(true);
      this.#client.setNoDelay(true);
    } catch {
      // Nobody is there: the client sees its connection end.
      return this.#end("server");
    }
    if (!this.#open) return this.#server.close();
    if (this.#rule.fault === "strip_upgrade") first = withoutUpgrade(first, this.head);
    await Promise.all([
      this.#pump(this.#client, this.#server, "server", first),
      this.#pump(this.#server, this.#client, "client", new Uint8Array()),
    ]);
  }

  async #readHead(): Promise<Uint8Array<ArrayBuffer>> {
    let bytes = new Uint8Array();
    const chunk = new Uint8Array(4_096);
    while (!this.head.includes("\r\n\r\n") && bytes.length < HEAD_MAX_BYTES) {
      const read = await this.#client.read(chunk);
      if (read === null) break;
      const more = new Uint8Array(bytes.length + read);
      more.set(bytes);
      more.set(chunk.subarray(0, read), bytes.length);
      bytes = more;
      this.head = new TextDecoder().decode(bytes);
    }
    this.head = this.head.split("\r\n\r\n")[0]!;
    return bytes;
  }

  /** Carries one direction until somebody ends it. Writes follow reads in a chain, so that a delay does not add up. */
  async #pump(from: Deno.TcpConn, to: Deno.TcpConn, toward: "client" | "server", first: Uint8Array<ArrayBuffer>) {
    let carried = first.length > 0 ? this.#carry(first, to, toward, Promise.resolve()) : Promise.resolve();
    const buffer = new Uint8Array(16_384);
    for (;;) {
      // A slow line takes nothing in while it is busy: otherwise the slowness would be in our memory.
      if (this.#rule.fault === "trickle") await carried;
      const read = await from.read(buffer).catch(() => null);
      if (read === null || !this.#open) break;
      this.#watchIdle();
      carried = this.#carry(buffer.slice(0, read), to, toward, carried);
    }
    await carried;
    this.#end(toward === "server" ? "client" : "server");
  }

  async #carry(bytes: Uint8Array<ArrayBuffer>, to: Deno.TcpConn, toward: "client" | "server", before: Promise<void>) {
    const rule = this.#rule;
    switch (rule.fault) {
      case "delay":
        await Promise.all([before, this.#wait(rule.ms)]);
        break;
      case "trickle":
        await before;
        return await this.#trickle(bytes, to, toward, rule.bytesPerSecond);
      default:
        await before;
    }
    // The rule may have become another one meanwhile: what is in the line then falls under it.
    const now = this.#rule;
    if (now.fault === "drop") return;
    if (now.fault === "mute") {
      const left = Math.max(0, now.afterBytes - this.bytesToClient);
      if (toward === "client") bytes = bytes.subarray(0, left);
      if (toward === "server" && left === 0) return;
    }
    if (now.fault === "mute_after_head") {
      if (this.#headPassed) return;
      if (toward === "client") {
        const end = endOfHead(bytes);
        this.#headPassed = end !== undefined;
        bytes = bytes.subarray(0, end);
      }
    }
    await this.#deliver(bytes, to, toward);
    if (now.fault === "mute_after_head" && this.#headPassed) this.#resolveMuted();
    if (now.fault === "mute" && this.bytesToClient >= now.afterBytes) this.#resolveMuted();
  }

  async #trickle(
    bytes: Uint8Array<ArrayBuffer>,
    to: Deno.TcpConn,
    toward: "client" | "server",
    bytesPerSecond: number,
  ) {
    const step = Math.max(1, Math.floor(bytesPerSecond / 20));
    for (let at = 0; at < bytes.length && this.#open; at += step) {
      await this.#wait(1_000 * Math.min(step, bytes.length - at) / bytesPerSecond);
      await this.#deliver(bytes.subarray(at, at + step), to, toward);
    }
  }

  async #deliver(bytes: Uint8Array<ArrayBuffer>, to: Deno.TcpConn, toward: "client" | "server"): Promise<void> {
    if (!this.#open || bytes.length === 0) return;
    this[toward === "client" ? "bytesToClient" : "bytesToServer"] += bytes.length;
    await this.#write(to, bytes).catch(() => this.#end(toward));
  }

  async #write(to: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
  }

  #watchIdle(): void {
    clearTimeout(this.#idleTimer);
    if (this.#open && this.#rule.fault === "cut_idle") {
      this.#idleTimer = setTimeout(() => this.#end("proxy"), this.#rule.ms);
    }
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waits.delete(timer);
        resolve();
      }, ms);
      this.#waits.set(timer, resolve);
    });
  }

  #end(by: "client" | "server" | "proxy"): void {
    if (!this.#open) return;
    this.#open = false;
    clearTimeout(this.#idleTimer);
    for (const [timer, resolve] of this.#waits) {
      clearTimeout(timer);
      resolve();
    }
    this.#waits.clear();
    this.#client.close();
    this.#server?.close();
    this.#resolveEnded(by);
    this.#changed();
  }
}

/** Where the head of an answer ends in these bytes; undefined when it goes on. */
function endOfHead(bytes: Uint8Array): number | undefined {
  const at = new TextDecoder("latin1").decode(bytes).indexOf("\r\n\r\n");
  return at < 0 ? undefined : at + 4;
}

/** The bytes of a first request whose head has lost its Upgrade and Connection fields. */
function withoutUpgrade(bytes: Uint8Array<ArrayBuffer>, head: string): Uint8Array<ArrayBuffer> {
  const kept = head.split("\r\n").filter((line) => !/^(upgrade|connection):/i.test(line)).join("\r\n");
  const before = new TextEncoder().encode(head).length;
  const stripped = new TextEncoder().encode(kept);
  const all = new Uint8Array(stripped.length + bytes.length - before);
  all.set(stripped);
  all.set(bytes.subarray(before), stripped.length);
  return all;
}
