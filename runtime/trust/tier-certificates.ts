import { X509Certificate } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { InvalidOptionError, MeshError } from "../../actors/errors.ts";
import { systemClock } from "../machine/clock.ts";
import { lockFolder } from "../machine/folder-lock.ts";
import { replaceFile } from "../machine/replaced-file.ts";
import { type KeyEnvironment, newSealSecret, readKeys, sealSecret } from "./key-files.ts";
import { seal, unseal } from "./sealed-file.ts";
import { issueCertificate, type KeyPair, makeAuthority } from "./x509-issuer.ts";

/** What a certificate is for: a server that takes connections, the orchestrator, or a node that hosts sectors. */
export const TIERS = ["server", "orchestrator", "node"] as const;
export type Tier = (typeof TIERS)[number];

/** Days of a certificate when nobody says how many: it is renewed every month. */
export const DEFAULT_DAYS = 30;
export const MOST_DAYS = 825;
const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3_653;
/** Clocks of machines differ: a certificate holds from a little before it was made. */
const SKEW_MS = 300_000;
/** A certificate is renewed from this share of its life before its end; till then the old and the new one hold. */
const DUE_SHARE = 1 / 3;
const NAME = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/;
const HOST = /^(\*\.)?[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/i;
const AUTHORITY = "ca";
const PURPOSE = "ca.key.sealed";
const URI = "spiffe://mesh-30k/";

/** A certificate as it lies in the folder. */
export interface TierCertificate {
  readonly name: string;
  /** `ca` of an authority. */
  readonly tier: Tier | "ca";
  readonly hosts: readonly string[];
  readonly serial: string;
  /** SHA-256 of the certificate, hexadecimal. */
  readonly fingerprint: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** `due`: less than a third of its life is left. */
  readonly state: "valid" | "due" | "expired";
  readonly file: string;
}

/** What is asked for. */
export interface TierRequest {
  readonly name: string;
  readonly tier: Tier;
  readonly hosts: readonly string[];
  /** 1 to 825. */
  readonly days: number;
}

/** What is sealed: who signs, until when anything that it signed holds, and the same of those before it. */
interface Authority extends KeyPair {
  untilMs: number;
  readonly old: readonly { readonly fingerprint: string; readonly untilMs: number }[];
}

/**
 * The certificates of TLS between a mesh's machines, under `certs/` of a data folder:
 *
 *     ca.pem           the authorities that are trusted, the newest first: for everybody
 *     ca.key.sealed    the newest one with its key, sealed as those of `keys` are
 *     NAME.pem         certificate and key of one machine, its owner's alone; replaced as a whole
 *
 * An old certificate holds until it ends, so the new one can be handed out at any time before.
 */
export class TierCertificates {
  readonly folder: string;
  readonly #env: KeyEnvironment;
  readonly #sealFolder: string;

  constructor(dataDir: string, env: KeyEnvironment) {
    this.folder = join(dataDir, "certs");
    this.#sealFolder = join(dataDir, "keys");
    this.#env = env;
  }

  get exists(): boolean {
    return existsSync(this.#path(AUTHORITY));
  }

  /** Makes the authority and these certificates; MESH_CERTS when there is one. */
  async init(requests: readonly TierRequest[]): Promise<void> {
    for (const request of requests) mustBe(request);
    this.#mustBeNew();
    await this.#locked(async () => {
      this.#mustBeNew();
      const made = await this.#newAuthority([]);
      for (const request of requests) await this.#issue(made, request);
      // Last: a folder without it has no authority yet, whatever a crash left there.
      this.#trust(made);
    });
  }

  /** Issues a certificate; MESH_CERTS when the name has one: that is renewed, with `rotate`. */
  async issue(request: TierRequest): Promise<void> {
    mustBe(request);
    await this.#locked(async () => {
      if (existsSync(this.#path(request.name)))
        throw new MeshError("MESH_CERTS", `${request.name}: has a certificate already: rotate it`);
      await this.#issue(this.#authority(), request);
    });
  }

  /** What `rotate` of this would renew: those that are due, `all`, or one by its name. */
  toRotate(which: string | undefined): readonly TierCertificate[] {
    const leaves = this.list().filter(({ tier }) => tier !== "ca");
    if (which === "all") return leaves;
    if (which === undefined) return leaves.filter(({ state }) => state !== "valid");
    const found = leaves.filter(({ name }) => name === which);
    if (found.length > 0) return found;
    const names = leaves.map(({ name }) => name).join(", ");
    throw new InvalidOptionError("name", which, `all, ca, or one of ${names}`);
  }

  /** New keys and certificates for these, as they were otherwise. */
  async rotate(which: string | undefined, days: number | undefined): Promise<readonly string[]> {
    return this.#locked(async () => {
      const authority = this.#authority();
      const renewed = this.toRotate(which);
      for (const { name, tier, hosts, notBeforeMs, notAfterMs } of renewed) {
        const before = Math.max(1, Math.round((notAfterMs - notBeforeMs - SKEW_MS) / DAY_MS));
        await this.#issue(authority, { name, tier: tier as Tier, hosts, days: days ?? before });
      }
      this.#trust(authority);
      return renewed.map(({ name }) => name);
    });
  }

  /**
   * A new authority, which signs from now on. The old one stays trusted as long as anything that it signed holds: hand
   * `ca.pem` out everywhere before the next `rotate all`.
   */
  async rotateAuthority(): Promise<void> {
    await this.#locked(async () => {
      const { certificate, untilMs, old } = this.#authority();
      const { fingerprint256: fingerprint } = parsed(AUTHORITY, certificate);
      const made = await this.#newAuthority([...old, { fingerprint, untilMs }]);
      this.#trust(made);
    });
  }

  /** Authorities first, then by name. MESH_CERTS when there are none. */
  list(): readonly TierCertificate[] {
    const nowMs = systemClock.nowMs();
    const authorities = this.#authorities().map((one) =>
      described(AUTHORITY, this.#path(AUTHORITY), one, nowMs),
    );
    const leaves = this.#names().map((name) => {
      const file = this.#path(name);
      return described(name, file, parsed(file, textOf(readKeys(file))), nowMs);
    });
    return [...authorities, ...leaves];
  }

  async #issue(authority: Authority, request: TierRequest): Promise<void> {
    const { name, tier, hosts, days } = request;
    const lifetime = lifetimeOf(days);
    // Nothing outlives the one who vouches for it.
    const notAfterMs = Math.min(
      lifetime.notAfterMs,
      endOf(parsed(AUTHORITY, authority.certificate)),
    );
    const { certificate, key } = await issueCertificate(authority, {
      name,
      uri: `${URI}${tier}/${name}`,
      hosts,
      isServer: tier === "server",
      notBeforeMs: lifetime.notBeforeMs,
      notAfterMs,
    });
    authority.untilMs = Math.max(authority.untilMs, notAfterMs);
    // Before it is handed out: who vouches for it must stay trusted as long as it holds.
    this.#seal(authority);
    this.#write(name, `${certificate.trimEnd()}\n${key}`);
  }

  async #newAuthority(old: Authority["old"]): Promise<Authority> {
    const made = await makeAuthority("mesh-30k CA", lifetimeOf(AUTHORITY_DAYS));
    const authority = { ...made, untilMs: 0, old };
    this.#seal(authority);
    return authority;
  }

  #seal(authority: Authority): void {
    const secret = newSealSecret(this.#sealFolder, this.#env);
    const sealed = seal(Buffer.from(JSON.stringify(authority)), secret, PURPOSE);
    replaceFile(join(this.folder, PURPOSE), sealed);
  }

  #authority(): Authority {
    this.#mustExist();
    const sealed = readKeys(join(this.folder, PURPOSE));
    const secret = sealSecret(this.#sealFolder, this.#env);
    return JSON.parse(textOf(unseal(sealed, secret, PURPOSE))) as Authority;
  }

  /** Writes whom all trust: this authority, and those before it of which something may be in use. */
  #trust({ certificate, old }: Authority): void {
    const nowMs = systemClock.nowMs();
    const inUse = new Set(
      old.filter(({ untilMs }) => untilMs > nowMs).map(({ fingerprint }) => fingerprint),
    );
    const before = this.exists ? this.#authorities() : [];
    const trusted = before.filter(({ fingerprint256 }) => inUse.has(fingerprint256));
    const pems = [certificate, ...trusted.map((one) => one.toString())];
    this.#write(AUTHORITY, pems.map((pem) => pem.trimEnd()).join("\n"));
  }

  #authorities(): readonly X509Certificate[] {
    this.#mustExist();
    const file = this.#path(AUTHORITY);
    const blocks = textOf(readKeys(file)).match(
      /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g,
    );
    return (blocks ?? []).map((pem) => parsed(file, pem));
  }

  #names(): readonly string[] {
    return readdirSync(this.folder)
      .filter((file) => file.endsWith(".pem") && file !== `${AUTHORITY}.pem`)
      .map((file) => file.slice(0, -".pem".length))
      .sort();
  }

  async #locked<T>(act: () => Promise<T>): Promise<T> {
    const lock = lockFolder(join(this.folder, "lock"));
    try {
      return await act();
    } finally {
      lock.release();
    }
  }

  #write(name: string, text: string): void {
    replaceFile(this.#path(name), Buffer.from(text.endsWith("\n") ? text : `${text}\n`));
  }

  #path(name: string): string {
    return join(this.folder, `${name}.pem`);
  }

  #mustBeNew(): void {
    if (this.exists)
      throw new MeshError(
        "MESH_CERTS",
        `${this.folder}: has an authority already: rotate it (certs rotate ca), or move the folder away`,
      );
  }

  #mustExist(): void {
    if (!this.exists)
      throw new MeshError(
        "MESH_CERTS",
        `${this.folder}: expected an authority, got none: certs init makes one`,
      );
  }
}

function mustBe({ name, hosts, tier, days }: TierRequest): void {
  if (!NAME.test(name) || name === AUTHORITY)
    throw new InvalidOptionError("name", name, "1 to 63 of a-z 0-9 . -, and not ca");
  const wrong = hosts.find((host) => isIP(host) === 0 && !HOST.test(host));
  if (wrong !== undefined)
    throw new InvalidOptionError("hosts", wrong, "names or addresses of machines");
  if (tier === "server" && hosts.length === 0)
    throw new InvalidOptionError(
      "hosts",
      "nothing",
      "names or addresses under which the server is connected to",
    );
  if (!Number.isInteger(days) || days < 1 || days > MOST_DAYS)
    throw new InvalidOptionError("days", days, `a whole number from 1 to ${MOST_DAYS}`);
}

/** From now on, in whole seconds, which is what a certificate can say. */
function lifetimeOf(days: number): { readonly notBeforeMs: number; readonly notAfterMs: number } {
  const nowMs = Math.floor(systemClock.nowMs() / 1000) * 1000;
  return { notBeforeMs: nowMs - SKEW_MS, notAfterMs: nowMs + days * DAY_MS };
}

function endOf(certificate: X509Certificate): number {
  return Date.parse(certificate.validTo);
}

function parsed(file: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new MeshError("MESH_CERTS", `${file}: expected a certificate, got something else`, {
      cause: error,
    });
  }
}

function described(
  name: string,
  file: string,
  certificate: X509Certificate,
  nowMs: number,
): TierCertificate {
  const { serialNumber, fingerprint256, validFrom, subjectAltName = "" } = certificate;
  const notBeforeMs = Date.parse(validFrom);
  const notAfterMs = endOf(certificate);
  const dueMs = notAfterMs - (notAfterMs - notBeforeMs) * DUE_SHARE;
  const names = subjectAltName.split(", ");
  const uri = names.find((one) => one.startsWith(`URI:${URI}`))?.slice(`URI:${URI}`.length);
  const tier = TIERS.find((one) => uri?.startsWith(`${one}/`)) ?? "ca";
  return {
    name,
    tier,
    hosts: names.flatMap((one) => /^(?:DNS|IP Address):(.+)$/.exec(one)?.[1] ?? []),
    serial: serialNumber,
    fingerprint: fingerprint256.replaceAll(":", "").toLowerCase(),
    notBeforeMs,
    notAfterMs,
    state: nowMs >= notAfterMs ? "expired" : nowMs >= dueMs ? "due" : "valid",
    file,
  };
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("utf8");
}
