/** Workers of one process: the process ends when all of them have stopped. */
import { assertEquals } from "@std/assert";
import { type WorkerChannel, WorkerGroup } from "../../lib/server/worker_group.ts";
import { settle, VirtualTime } from "./virtual_time.ts";

/** Channels that hear each other, but not themselves. */
function channels() {
  const open = new Set<WorkerChannel>();
  return () => {
    const own: WorkerChannel = {
      postMessage(data) {
        for (const other of open) if (other !== own) other.onmessage(new MessageEvent("message", { data }));
      },
      onmessage() {},
      close: () => void open.delete(own),
    };
    open.add(own);
    return own;
  };
}

Deno.test("a stopped worker waits until the others have stopped, in any order of starts", async () => {
  const time = new VirtualTime();
  const channel = channels();
  const all = ["a", "b", "c"].map((name) => new WorkerGroup(channel(), name));
  const ended: number[] = [];
  const stop = (at: number) => void all[at]!.done(time, 1_000).then(() => ended.push(at));
  stop(1);
  await settle();
  stop(0);
  await settle();
  assertEquals(ended, []);
  stop(2);
  await settle();
  assertEquals(ended.toSorted(), [0, 1, 2]);
  assertEquals(time.waiting, 0);
});

Deno.test("a hanging worker delays the others by the grace at most; a single worker waits for nobody", async () => {
  const time = new VirtualTime();
  const channel = channels();
  const [first] = [new WorkerGroup(channel(), "a"), new WorkerGroup(channel(), "hangs")];
  let ended = false;
  void first!.done(time, 1_000).then(() => ended = true);
  await time.advance(999);
  assertEquals(ended, false);
  await time.advance(1);
  assertEquals(ended, true);
  await new WorkerGroup(channels()(), "alone").done(time, 1_000);
});
