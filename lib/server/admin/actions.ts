/** The base of the operator's pages: their dependencies, and how an action ends. */
import type { Verifier } from "../../crypto/signing.ts";
import type { Store } from "../../store/store.ts";
import type { Environment } from "../environment.ts";
import type { ChatServer } from "../server.ts";
import type { AuditLog } from "./audit_log.ts";

export interface AdminDeps {
  server: Pick<ChatServer, "settings" | "roomChanged" | "config" | "health">;
  store: Store;
  verifier: Verifier;
  environment: Environment;
}

export interface PageDeps extends AdminDeps {
  audit: Pick<AuditLog, "write">;
}

/** One page: its views and actions. */
export abstract class OperatorPage {
  constructor(protected readonly deps: PageDeps) {}
}

type ActionProblem =
  | "no_such_room"
  | "no_such_notice"
  | "empty"
  | "too_long"
  | "too_many"
  | "not_confirmed"
  | "no_key"
  | "bad_key"
  | "bad_time"
  | "busy";
/** How an action ended. `what`: the typed text that is wrong. */
export type Done<More = unknown> = ({ ok: true } & More) | { ok: false; problem: ActionProblem; what?: string };
