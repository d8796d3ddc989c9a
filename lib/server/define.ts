/** Typing helpers for routes and middlewares. */
import { createDefine } from "fresh";
import type { Visitor } from "./server.ts";

/** What middlewares hand on with a request. */
export interface State {
  /** The device's cookie and the network address: all that limits know of somebody. */
  visitor: Visitor;
}

export const define = createDefine<State>();
