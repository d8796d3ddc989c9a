/** The log: its two shapes, its levels, its bounds. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  BURST_LINES,
  BURST_MS,
  createLogger,
  errorFields,
  errorText,
  type LoggerDeps,
  REPEAT_GAP_MS,
} from "../../lib/server/logger.ts";
import { StorageUnavailable } from "../../lib/store/database.ts";
import { VirtualTime } from "../support/virtual_time.ts";

function logging(options: Partial<LoggerDeps> = {}) {
  const time = new VirtualTime();
  const lines: string[] = [];
  const logger = createLogger({
    level: "info",
    format: "json",
    clock: time.clock,
    write: (_, text) => lines.push(text),
    ...options,
  });
  return { time, lines, logger };
}

Deno.test("in production a line is one JSON object; in development it is readable text", () => {
  const { lines, logger } = logging();
  logger.log("error", "it broke\nbadly", { status: 500, requestId: "abc" });
  const { time, ...line } = JSON.parse(lines[0]!);
  assertMatch(time, /^2026-07-04T20:00:00.000Z$/);
  assertEquals(line, { level: "error", message: "it broke\nbadly", status: 500, requestId: "abc" });
  assert(!lines[0]!.includes("\n"));

  const reading = logging({ format: "text" });
  reading.logger.warn("it is slow");
  assertEquals(reading.lines, ["20:00:00.000 warn  it is slow"]);
});

Deno.test("lines below the level are not written", () => {
  const { lines, logger } = logging({ level: "warn" });
  logger.log("info", "a");
  logger.log("debug", "b");
  logger.log("warn", "c");
  logger.log("error", "d");
  assertEquals(lines.map((line) => JSON.parse(line).message), ["c", "d"]);
});

Deno.test("a repeated line is written from time to time, with the number of repetitions", async () => {
  const { time, lines, logger } = logging();
  for (let times = 0; times < 1_000; times++) logger.warn("the database does not answer");
  assertEquals(lines.length, 1);
  await time.run(REPEAT_GAP_MS);
  logger.warn("the database does not answer");
  assertEquals(JSON.parse(lines[1]!).heldBack, 999);
});

Deno.test("a flood of different lines is held back, and counted", async () => {
  let counted = 0;
  const { time, lines, logger } = logging({ onLine: () => counted++ });
  for (let line = 0; line < 5_000; line++) logger.warn(`line ${line}`);
  assertEquals([lines.length, counted], [BURST_LINES, 5_000]);
  await time.run(BURST_MS);
  logger.warn("calm again");
  assertEquals(JSON.parse(lines.at(-1)!).heldBack, 5_000 - BURST_LINES);
});

Deno.test("a record line is written at every level and during any flood", () => {
  const { lines, logger } = logging({ level: "error" });
  for (let line = 0; line < 2 * BURST_LINES; line++) logger.log("error", `line ${line}`);
  logger.record("audit 17 room_deleted HASH");
  logger.record("audit 17 room_deleted HASH");
  assertEquals(lines.slice(BURST_LINES).map((line) => JSON.parse(line).message), [
    "audit 17 room_deleted HASH",
    "audit 17 room_deleted HASH",
  ]);
});

Deno.test("a clock that is set back silences nothing", () => {
  let now = 1_000_000;
  const { lines, logger } = logging({ clock: { now: () => now } });
  logger.warn("a");
  now -= 900_000;
  logger.warn("a");
  assertEquals(lines.length, 2);
});

Deno.test("an error is logged by its class and place, because its message may quote user text", () => {
  const error = (() => {
    try {
      JSON.parse("my secret diary");
    } catch (error) {
      return error;
    }
  })();
  const told = JSON.stringify(errorFields(error, "production"));
  assert(!told.includes("secret"), told);
  assert(!errorText(error).includes("secret"), errorText(error));
  assertMatch(errorText(error), /^SyntaxError at /);
  assertEquals(errorText(new StorageUnavailable("no answer")), "no answer");
  assertMatch(told, /SyntaxError.*logger_test\.ts/);
  assertEquals(errorFields(new StorageUnavailable("no answer"), "production").reason, "no answer");
  assert(JSON.stringify(errorFields(error, "development")).includes("not valid JSON"));
});
