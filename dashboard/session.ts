/** Who looks, and how they ask: the token of the printed URL, and the commands of the mesh over HTTP. */

const KEY = "mesh-30k-token";

/** A command as `/v1/commands` lists it. */
export interface CommandEntry {
  readonly name: string;
  readonly help: string;
  readonly changes: boolean;
  readonly arguments: {
    readonly properties?: Readonly<Record<string, { readonly enum?: readonly string[] }>>;
  };
}

/** What the server said of a request that it did not do. */
export class RefusedError extends Error {
  readonly status: number;

  constructor(status: number, sentence: string) {
    super(sentence);
    this.status = status;
  }
}

/** Asks the server of this page. */
export class Session {
  readonly token: string;

  constructor(token: string) {
    this.token = token;
  }

  /** Takes the token out of the address bar, where it would be seen and shared; keeps it for this tab. */
  static open(): Session {
    const url = new URL(location.href);
    const given = url.searchParams.get("token");
    if (given !== null) {
      sessionStorage.setItem(KEY, given);
      url.searchParams.delete("token");
      history.replaceState(null, "", url);
    }
    return new Session(given ?? sessionStorage.getItem(KEY) ?? "");
  }

  /** The commands of this mesh. */
  async commands(): Promise<readonly CommandEntry[]> {
    return (await this.#fetch("/v1/commands", {})) as readonly CommandEntry[];
  }

  /** Runs a command; RefusedError with the server's sentence when it cannot be done. */
  run(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    return this.#fetch(`/v1/commands/${command}`, {
      method: "POST",
      body: JSON.stringify(args),
      headers: { "content-type": "application/json" },
    });
  }

  async #fetch(path: string, init: RequestInit): Promise<unknown> {
    const headers = { ...init.headers, authorization: `Bearer ${this.token}` };
    const response = await fetch(path, { ...init, headers });
    const document = (await response.json()) as { error?: { message?: string } };
    if (response.ok) return document;
    throw new RefusedError(response.status, document.error?.message ?? response.statusText);
  }
}
