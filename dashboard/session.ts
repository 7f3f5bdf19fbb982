/** Who looks, and how they ask: the token of the printed URL or a login, and the commands of the mesh over HTTP. */
import { headerOf, signWith } from "./credentials.ts";

const KEY = "mesh-30k-token";
const ROLES = ["none", "observe", "operate", "admin"];
const STEP_UP = "CONSOLE_STEP_UP";

/** A command as `/v1/commands` lists it. */
export interface CommandEntry {
  readonly name: string;
  readonly help: string;
  readonly changes: boolean;
  /** The least role that can do everything it offers. */
  readonly role?: string;
  readonly arguments: {
    readonly properties?: Readonly<Record<string, { readonly enum?: readonly string[] }>>;
  };
}

/** Who is logged in, and how one can be; as `/v1/login` says. */
export interface Login {
  readonly session: {
    readonly who: string;
    readonly role: string;
    readonly way: string;
    readonly untilMs: number;
  } | null;
  readonly tokenRole: string;
  readonly isEnrolled: boolean;
  readonly hasBreakGlass: boolean;
  readonly name: string | null;
  readonly origin: string | null;
  readonly nowMs: number;
}

/** What the server said of a request that it did not do. */
export class RefusedError extends Error {
  readonly status: number;
  readonly code: string;
  /** What has to be signed for. */
  readonly step: unknown;

  constructor(status: number, code: string, sentence: string, step?: unknown) {
    super(sentence);
    this.status = status;
    this.code = code;
    this.step = step;
  }
}

interface Asking {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

/** Asks the server of this page. */
export class Session {
  /** "" for whoever is logged in, and for whoever has none. */
  readonly token: string;
  /** What an invitation was opened with; "" without one. */
  readonly invitation: string;
  #login: Login | undefined;

  private constructor(token: string, invitation: string) {
    this.token = token;
    this.invitation = invitation;
  }

  /** Takes token and invitation out of the address bar, where they would be seen and shared; asks who is logged in. */
  static async open(): Promise<Session> {
    const url = new URL(location.href);
    const given = url.searchParams.get("token");
    const invitation = new URLSearchParams(url.hash.slice(1)).get("invitation") ?? "";
    if (given !== null) sessionStorage.setItem(KEY, given);
    if (given !== null || invitation !== "") {
      url.searchParams.delete("token");
      url.hash = "";
      history.replaceState(null, "", url);
    }
    const session = new Session(given ?? sessionStorage.getItem(KEY) ?? "", invitation);
    await session.refresh();
    if (session.#login?.session == null) return session;
    // A login is enough; what the token opens beside it, nobody should find here.
    sessionStorage.removeItem(KEY);
    const known = new Session("", invitation);
    known.#login = session.#login;
    return known;
  }

  /** Asks anew who is logged in. */
  async refresh(): Promise<Login> {
    this.#login = (await this.#fetch("/v1/login")) as Login;
    return this.#login;
  }

  get login(): Login {
    return this.#login as Login;
  }

  /** What whoever looks may do. */
  get role(): string {
    const { session, tokenRole } = this.login;
    return session?.role ?? (this.token === "" ? "none" : tokenRole);
  }

  /** Whether they may run a command that needs this role. */
  may(command: string, role = "observe"): boolean {
    if (ROLES.indexOf(this.role) >= ROLES.indexOf(role)) return true;
    return this.login.session?.way === "break-glass" && command === "freeze";
  }

  /** The commands of this mesh. */
  async commands(): Promise<readonly CommandEntry[]> {
    return (await this.#fetch("/v1/commands")) as readonly CommandEntry[];
  }

  /**
   * Runs a command; RefusedError with the server's sentence when it cannot be done. What has to be signed for is put to
   * the person's authenticator.
   */
  async run(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    const path = `/v1/commands/${command}`;
    let step: unknown;
    try {
      return await this.#fetch(path, { body: args });
    } catch (error) {
      const isAsked = error instanceof RefusedError && error.code === STEP_UP;
      if (!isAsked || this.login.session?.way !== "authenticator") throw error;
      step = error.step;
    }
    const options = await this.#fetch("/v1/login/step-up", { body: step });
    const headers = { "mesh-step-up": headerOf(await signWith(options)) };
    return this.#fetch(path, { body: args, headers });
  }

  /** Runs a command for the page itself, not for a person: it keeps no session from ending. */
  look(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    return this.#fetch(`/v1/commands/${command}`, {
      body: args,
      headers: { "mesh-background": "1" },
    });
  }

  /** Asks about logins. */
  ask(what: string, body: unknown = {}): Promise<unknown> {
    return this.#fetch(`/v1/login${what}`, { body });
  }

  async logout(): Promise<void> {
    await this.#fetch("/v1/login", { method: "DELETE" });
  }

  async #fetch(path: string, { method, body, headers }: Asking = {}): Promise<unknown> {
    const response = await fetch(path, {
      method: method ?? (body === undefined ? "GET" : "POST"),
      headers: {
        ...(this.token !== "" && { authorization: `Bearer ${this.token}` }),
        ...(body !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const document = (await response.json()) as {
      error?: { code?: string; message?: string; step?: unknown };
    };
    if (response.ok) return document;
    const { code = "", message = response.statusText, step } = document.error ?? {};
    throw new RefusedError(response.status, code, message, step);
  }
}
