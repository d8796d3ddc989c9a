import { Builder } from "fresh/dev";
import { app } from "./fixture/main.ts";

/** Folder of the small app that the tests build. */
export const FIXTURE = new URL("./fixture", import.meta.url).pathname;

/** Builds the fixture in memory and returns its handler with `http://localhost` in front of every path. */
export async function fixtureHandler(): Promise<(path: string, init?: RequestInit) => Promise<Response>> {
  const apply = await new Builder({ root: FIXTURE }).build({ snapshot: "memory" });
  apply(app);
  const handler = app.handler();
  return (path, init) => handler(new Request(`http://localhost${path}`, init));
}
