/** Where a server listens, as people write it. */
import { isIP } from "node:net";

/** A host, without brackets, and a port; port 0 takes any that is free. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

const LOOPBACK = "127.0.0.1";

/** Reads `host:port`, `[ipv6]:port` or a port of 127.0.0.1; undefined when it is none of them. */
export function readListenAddress(written: string): ListenAddress | undefined {
  const match = /^(?:(?:\[([0-9a-f:.]+)\]|([^:[\]\s]+)):)?(\d{1,5})$/i.exec(written);
  if (match === null) return undefined;
  const [, ipv6, name, digits] = match;
  const port = Number(digits);
  const host = ipv6 ?? name ?? LOOPBACK;
  if (port > 65_535 || (ipv6 !== undefined && isIP(ipv6) !== 6)) return undefined;
  return { host, port };
}

/** Whether it has been read before. */
export function isListenAddress(value: unknown): value is ListenAddress {
  if (typeof value !== "object" || value === null || !("host" in value)) return false;
  return readListenAddress(writeAddress(value as ListenAddress)) !== undefined;
}

/** The address as it stands in a URL: IPv6 in brackets. */
export function writeAddress({ host, port }: ListenAddress): string {
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}

/** Whether only this machine can reach it. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
