/** Measures a process's JavaScript heap after a full garbage collection, through V8's inspector. */

/** Bytes in use after collecting garbage, of the Deno process whose inspector listens on this port of this machine. */
export async function liveHeapBytes(inspectorPort: number): Promise<number> {
  const targets = await (await fetch(`http://127.0.0.1:${inspectorPort}/json/list`)).json();
  const inspector = await Inspector.open(targets[0].webSocketDebuggerUrl);
  try {
    // Twice: what the first one finalizes only the second one can free.
    await inspector.call("HeapProfiler.collectGarbage");
    await inspector.call("HeapProfiler.collectGarbage");
    const { usedSize } = await inspector.call("Runtime.getHeapUsage");
    if (typeof usedSize !== "number") throw new Error(`no heap usage in the inspector's answer: ${usedSize}`);
    return usedSize;
  } finally {
    await inspector.close();
  }
}

/** Calls of the Chrome DevTools Protocol, one after the other. */
class Inspector {
  readonly #socket: WebSocket;
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  static open(url: string): Promise<Inspector> {
    const socket = new WebSocket(url);
    return new Promise((resolve, reject) => {
      socket.onopen = () => resolve(new Inspector(socket));
      socket.onerror = () => reject(new Error(`the inspector at ${url} does not answer`));
    });
  }

  call(method: string): Promise<Record<string, unknown>> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#socket.onclose = () => reject(new Error(`the inspector closed before it answered ${method}`));
      this.#socket.onmessage = ({ data }) => {
        const answer = JSON.parse(data);
        if (answer.id !== id) return;
        if (answer.error === undefined) resolve(answer.result);
        else reject(new Error(`${method}: ${JSON.stringify(answer.error)}`));
      };
      this.#socket.send(JSON.stringify({ id, method }));
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.onclose = () => resolve();
      this.#socket.close();
    });
  }
}
