/** Typing helpers for routes and middlewares. */
import { createDefine } from "fresh";
import type { Visitor } from "./server.ts";

/** What middlewares hand on with a request. */
export interface State {
  /** The device's cookie and the network address: all that limits know of somebody. */
  visitor: Visitor;
  /** Names this request in the log and in its answer. */
  requestId: string;
}

export const define = createDefine<State>();
