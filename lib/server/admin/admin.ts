/** The operator's views and actions, page by page. Every action is written to the audit log before it is done. */
import { readLimits, type RuntimeLimit } from "../limits/runtime_limits.ts";
import type { Visitor } from "../connections/connection.ts";
import type { AdminDeps, PageDeps } from "./actions.ts";
import { AuditLog } from "./audit_log.ts";
import { BansPage } from "./bans_page.ts";
import { DataPage } from "./data_page.ts";
import { Login, type LoginAnswer, type Operator } from "./login.ts";
import { NoticesPage } from "./notices_page.ts";
import { RoomsPage } from "./rooms_page.ts";

/** Wrong passwords that the audit log takes: a few an hour show that somebody guesses, and cannot fill it. */
const WRONG_PASSWORDS = { burst: 5, everyMs: 600_000, pauseMs: 0 };

export class Admin {
  readonly #deps: PageDeps;
  /** Undefined: admin is off. */
  readonly login: Login | undefined;
  readonly audit: AuditLog;
  readonly rooms: RoomsPage;
  readonly bans: BansPage;
  readonly notices: NoticesPage;
  readonly data: DataPage;

  constructor(admin: AdminDeps) {
    const { store, server, environment: { clock, random } } = admin;
    this.audit = new AuditLog(admin);
    const deps = this.#deps = { ...admin, audit: this.audit };
    const settings = server.config.admin;
    const { passwordHash } = settings;
    if (passwordHash !== undefined) {
      this.login = new Login({ store, settings: { ...settings, passwordHash }, clock, random });
    }
    this.rooms = new RoomsPage(deps);
    this.bans = new BansPage(deps);
    this.notices = new NoticesPage(deps, this.rooms);
    this.data = new DataPage(deps);
  }

  async logIn(login: Login, password: string, { address }: Visitor, known?: string): Promise<LoginAnswer> {
    const answer = await login.logIn(password, address, known);
    if ("operator" in answer) await this.#deps.audit.write(answer.operator.by, "logged_in", {});
    else if (answer.problem === "wrong_password") {
      const { store, environment: { clock } } = this.#deps;
      if (await store.limits.take("audit wrong password", "", WRONG_PASSWORDS, clock.now()) === undefined) {
        await this.#deps.audit.write("", "wrong_password", {});
      }
    }
    return answer;
  }

  async logOut(login: Login, operator: Operator): Promise<void> {
    await login.logOut(operator);
    await this.#deps.audit.write(operator.by, "logged_out", {});
  }

  /** Ends every log-in, this one too. */
  async logOutEverywhere(login: Login, { by }: Operator): Promise<void> {
    await this.#deps.audit.write(by, "logged_out_everywhere", {});
    await login.logOutAll();
  }

  async setLimits(
    { by }: Operator,
    typed: (name: string) => string | undefined,
  ): Promise<{ ok: true } | { ok: false; wrong: RuntimeLimit }> {
    const { store, server: { settings } } = this.#deps;
    const read = readLimits(typed, settings.configured);
    if ("wrong" in read) return { ok: false, wrong: read.wrong };
    await this.#deps.audit.write(by, "limits_set", read.limits);
    await store.settings.setLimits(read.limits);
    await settings.refresh();
    return { ok: true };
  }
}
