/** A TCP load balancer in front of instances: each new connection goes to the next backend that accepts it. */

export class Balancer {
  /** Ports of the instances that get new connections, in turn. */
  readonly #backends: number[] = [];
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #running = new Set<Promise<void>>();
  readonly #open = new Set<Deno.TcpConn>();
  /** Connections that each backend has been given. */
  readonly given = new Map<number, number>();
  #turn = 0;

  constructor() {
    this.#track(this.#accept());
  }

  /** `http://127.0.0.1:port`. */
  get url(): string {
    return `http://127.0.0.1:${this.#listener.addr.port}`;
  }

  add(port: number): void {
    this.#backends.push(port);
  }

  /** It gets no new connections; those it has stay. */
  remove(port: number): void {
    const at = this.#backends.indexOf(port);
    if (at !== -1) this.#backends.splice(at, 1);
  }

  async close(): Promise<void> {
    this.#listener.close();
    for (const conn of this.#open) close(conn);
    await Promise.all(this.#running);
  }

  #track(work: Promise<void>): void {
    this.#running.add(work);
    void work.finally(() => this.#running.delete(work));
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) this.#track(this.#serve(client));
  }

  async #serve(client: Deno.TcpConn): Promise<void> {
    this.#open.add(client);
    const server = await this.#reach();
    if (server !== undefined) {
      this.#open.add(server);
      // A killed process breaks its connections: end the other side as well.
      await Promise.allSettled([client.readable.pipeTo(server.writable), server.readable.pipeTo(client.writable)]);
      close(server);
      this.#open.delete(server);
    }
    close(client);
    this.#open.delete(client);
  }

  /** The next backend that accepts a connection; skips those that are down. */
  async #reach(): Promise<Deno.TcpConn | undefined> {
    for (let tries = this.#backends.length; tries > 0; tries--) {
      const port = this.#backends[this.#turn++ % this.#backends.length]!;
      try {
        const conn = await Deno.connect({ hostname: "127.0.0.1", port });
        this.given.set(port, (this.given.get(port) ?? 0) + 1);
        return conn;
      } catch (error) {
        if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
      }
    }
  }
}

function close(conn: Deno.TcpConn): void {
  try {
    conn.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
