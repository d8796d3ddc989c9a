/** Typing helpers for routes and middlewares. */
import { createDefine } from "fresh";
import type { Admin } from "../admin/admin.ts";
import type { Login, Operator } from "../admin/login.ts";
import type { RequestSource } from "./device.ts";
import type { Visitor } from "../connections/connection.ts";

/** Values that middlewares attach to a request. */
export interface RequestState {
  /** Where the request came from. */
  source: RequestSource;
  /** The device's cookie and the network address: all that limits know of a visitor. */
  visitor: Visitor;
  /** Below /admin: the server's admin, switched on; the logged-in operator; the submitted form, its token checked. */
  admin: Admin;
  login: Login;
  operator: Operator;
  form?: FormData;
  /** Identifies this request in the log and in its answer. */
  requestId: string;
}

export const define = createDefine<RequestState>();
