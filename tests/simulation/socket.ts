/** The WebSocket that the production transport uses, over a simulated connection. */
import type { SocketLike } from "../../lib/transport/socket_transport.ts";
import type { ClientEnd, Link } from "./network.ts";

/** WebSocket.CONNECTING, OPEN and CLOSED. */
const CONNECTING = 0, OPEN = 1, CLOSED = 3;

export class SimulatedSocket implements SocketLike {
  onopen: SocketLike["onopen"] = null;
  onmessage: SocketLike["onmessage"] = null;
  onclose: SocketLike["onclose"] = null;
  onerror: SocketLike["onerror"] = null;
  #readyState: SocketLike["readyState"] = CONNECTING;
  readonly #link: Link | undefined;
  readonly #overhear: (text: string) => void;

  /**
   * `connect` starts a connection; undefined: none is possible, and `closed` follows. `overhear` sees all sent frames.
   */
  constructor(connect: (client: ClientEnd) => Link | undefined, overhear: (text: string) => void) {
    this.#overhear = overhear;
    this.#link = connect({
      opened: () => {
        if (this.#readyState !== CONNECTING) return;
        this.#readyState = OPEN;
        this.#tell(this.onopen, {});
      },
      received: (data) => this.#readyState === OPEN && this.#tell(this.onmessage, { data }),
      closed: (code) => {
        if (this.#readyState === CLOSED) return;
        this.#readyState = CLOSED;
        this.#tell(this.onclose, { code });
      },
    });
  }

  get readyState(): SocketLike["readyState"] {
    return this.#readyState;
  }

  get bufferedAmount(): number {
    return this.#link?.waitingUp ?? 0;
  }

  send(data: unknown): void {
    const text = String(data);
    this.#overhear(text);
    this.#link?.clientSends(text);
  }

  close(): void {
    this.#readyState = CLOSED;
    this.#link?.clientCloses();
  }

  /** The transport reads `data` and `code`, nothing else of an event. */
  #tell(listener: ((this: WebSocket, event: never) => unknown) | null, event: object): void {
    listener?.call(this as unknown as WebSocket, event as never);
  }
}
