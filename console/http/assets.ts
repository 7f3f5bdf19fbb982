/** The files of the dashboard: what the build has put beside us, and nothing else. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname } from "node:path";
import { SAFE_HEADERS } from "./http-answer.ts";

/** Types of the files that are served; others are not. */
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};
/** Nothing but what we serve ourselves, and no code in the page. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

interface Asset {
  readonly bytes: Buffer;
  readonly type: string;
  readonly tag: string;
}

/** Reads the files of the built dashboard once, and serves them from memory. */
export class Assets {
  readonly #files = new Map<string, Asset>();

  constructor(folder: URL = builtDashboard()) {
    if (!existsSync(folder)) return;
    for (const name of readdirSync(folder)) {
      const type = TYPES[extname(name)];
      if (type === undefined) continue;
      const bytes = readFileSync(new URL(name, folder));
      const tag = `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`;
      this.#files.set(name === "index.html" ? "/" : `/dashboard/${name}`, { bytes, type, tag });
    }
  }

  /** Whether there is a page to serve. */
  get hasPage(): boolean {
    return this.#files.has("/");
  }

  has(path: string): boolean {
    return this.#files.has(path);
  }

  /** Sends the file at `path`, or that it has not changed. */
  send(path: string, request: IncomingMessage, response: ServerResponse): void {
    const asset = this.#files.get(path);
    if (asset === undefined) throw new RangeError(`path: expected that of an asset, got ${path}`);
    const { bytes, type, tag } = asset;
    const headers = {
      ...SAFE_HEADERS,
      "content-security-policy": POLICY,
      "cache-control": "no-cache",
      etag: tag,
    };
    if (request.headers["if-none-match"] === tag) {
      response.writeHead(304, headers);
      response.end();
      return;
    }
    response.writeHead(200, {
      ...headers,
      "content-type": type,
      "content-length": bytes.length,
    });
    response.end(request.method === "HEAD" ? undefined : bytes);
  }
}

/** Beside the built console; for its source, in the build. */
function builtDashboard(): URL {
  const place = import.meta.url.endsWith(".ts") ? "../../dist/dashboard/" : "../../dashboard/";
  return new URL(place, import.meta.url);
}
