/** A page in the back-forward cache has no transaction, and loses none. */
import { assertEquals, assertRejects } from "@std/assert";
import { type GatedTransaction, TransactionGate } from "../../lib/session/storage/transaction_gate.ts";

/** A transaction that ends when it is told to. One that is `silent` tells nobody that it was aborted, as a frozen page hears nothing. */
class FakeTransaction implements GatedTransaction {
  readonly done: Promise<void>;
  state: "alive" | "committing" | "committed" | "aborted" = "alive";
  commit!: () => void;
  #fail!: (error: Error) => void;
  readonly #silent: boolean;

  constructor(silent = false) {
    this.#silent = silent;
    this.done = new Promise((resolve, reject) => {
      this.commit = () => {
        this.state = "committed";
        resolve();
      };
      this.#fail = reject;
    });
  }

  abort(): void {
    if (this.state !== "alive") throw new DOMException("it has ended", "InvalidStateError");
    this.state = "aborted";
    if (!this.#silent) this.#fail(new DOMException("aborted", "AbortError"));
  }
}

/** A gate, and operations that write their names once they are committed. */
function start({ silent = false }: { silent?: boolean } = {}) {
  const gate = new TransactionGate();
  const begun: FakeTransaction[] = [];
  const written: string[] = [];
  const write = async (name: string, use: () => Promise<void> = () => Promise.resolve()) => {
    await gate.run(() => Promise.resolve(), () => {
      const transaction = new FakeTransaction(silent);
      begun.push(transaction);
      return transaction;
    }, use);
    written.push(name);
  };
  return { gate, begun, written, write };
}

/** Everything that waits for nothing has run. */
const settled = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("gate: an operation is done when its transaction is", async () => {
  const { begun, written, write } = start();
  const writing = write("a");
  await settled();
  assertEquals(written, []);
  begun[0]!.commit();
  await writing;
  assertEquals(written, ["a"]);
});

for (const silent of [false, true]) {
  const how = silent ? "a browser tells nobody of the abort" : "the browser tells of the abort";
  Deno.test(`[TAB-12] gate: a page that freezes aborts open transactions, and runs them again when it is shown; ${how}`, async () => {
    const { gate, begun, written, write } = start({ silent });
    const writing = [write("a"), write("b")];
    await settled();
    gate.suspend();
    assertEquals(begun.map(({ state }) => state), ["aborted", "aborted"]);
    await settled();
    assertEquals([begun.length, written], [2, []]);
    gate.resume();
    await settled();
    assertEquals(begun.map(({ state }) => state), ["aborted", "aborted", "alive", "alive"]);
    for (const transaction of begun.slice(2)) transaction.commit();
    await Promise.all(writing);
    assertEquals(written, ["a", "b"]);
  });
}

Deno.test("[TAB-12] gate: operations that begin while the page is frozen wait until it is shown, and run in order", async () => {
  const { gate, begun, written, write } = start();
  gate.suspend();
  gate.suspend();
  const writing = [write("a"), write("b")];
  await settled();
  assertEquals(begun, []);
  gate.resume();
  await settled();
  for (const transaction of begun) transaction.commit();
  await Promise.all(writing);
  assertEquals(written, ["a", "b"]);
});

Deno.test("gate: a transaction being committed as the page freezes is done once, and not again", async () => {
  const { gate, begun, written, write } = start();
  const writing = write("a");
  await settled();
  begun[0]!.state = "committing";
  gate.suspend();
  gate.resume();
  begun[0]!.commit();
  await writing;
  assertEquals([begun.length, written], [1, ["a"]]);
});

Deno.test("gate: an operation that throws undoes its transaction, and is not run again", async () => {
  const { begun, write } = start();
  await assertRejects(() => write("a", () => Promise.reject(new RangeError("no"))), RangeError, "no");
  assertEquals(begun.map(({ state }) => state), ["aborted"]);
});

Deno.test("gate: a page that froze while a database opened begins nothing in it, and opens it again", async () => {
  const gate = new TransactionGate();
  const openings: { resolve: (name: string) => void; reject: (error: Error) => void }[] = [];
  const begunIn: string[] = [];
  const running = gate.run(
    () => new Promise<string>((resolve, reject) => openings.push({ resolve, reject })),
    (name) => {
      begunIn.push(name);
      const transaction = new FakeTransaction();
      transaction.commit();
      return transaction;
    },
    () => Promise.resolve("done"),
  );
  await settled();
  gate.suspend();
  openings[0]!.resolve("opened before");
  await settled();
  assertEquals([openings.length, begunIn], [1, []]);
  gate.resume();
  await settled();
  gate.suspend();
  openings[1]!.reject(new DOMException("its upgrade was aborted", "AbortError"));
  gate.resume();
  await settled();
  openings[2]!.resolve("opened last");
  assertEquals(await running, "done");
  assertEquals(begunIn, ["opened last"]);
});

Deno.test("gate: a database that cannot be opened rejects at once", async () => {
  const gate = new TransactionGate();
  const open = () => Promise.reject(new DOMException("no", "InvalidStateError"));
  await assertRejects(() => gate.run(open, () => new FakeTransaction(), () => Promise.resolve()), DOMException, "no");
});

Deno.test("gate: an upgrade is aborted too; databases are closed when no transaction is open", async () => {
  const gate = new TransactionGate();
  const upgrade = new FakeTransaction(), ended = new FakeTransaction();
  gate.watch(upgrade);
  gate.watch(ended);
  ended.commit();
  await settled();
  const seen: string[] = [];
  gate.onSuspend(() => seen.push(upgrade.state));
  gate.suspend();
  assertEquals([seen, ended.state], [["aborted"], "committed"]);
});
