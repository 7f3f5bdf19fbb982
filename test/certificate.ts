// A certificate that signs itself, for tests of TLS: X.509 by hand, as far as `localhost` for a day needs it.
import { generateKeyPairSync, randomBytes, sign } from "node:crypto";

/** PEM of both. */
export interface Certified {
  readonly cert: string;
  readonly key: string;
}

/** Makes a key and its certificate for a name. */
export function selfSigned(name: string): Certified {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  // ecdsa-with-SHA256
  const algorithm = sequence(object("06082a8648ce3d040302"));
  // CN=name
  const subject = sequence(der(0x31, sequence(object("0603550403"), der(0x0c, Buffer.from(name)))));
  const now = Date.now();
  const validity = sequence(time(now - 3_600_000), time(now + 86_400_000));
  const names = sequence(der(0x82, Buffer.from(name)));
  const extension = sequence(object("0603551d11"), der(0x04, names));
  const body = sequence(
    der(0xa0, object("020102")),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    subject,
    validity,
    subject,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(extension)),
  );
  const signature = der(0x03, Buffer.concat([Buffer.from([0]), sign("sha256", body, privateKey)]));
  const bytes = sequence(body, algorithm, signature).toString("base64");
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${(bytes.match(/.{1,64}/g) ?? []).join("\n")}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
  };
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const head =
    length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

function object(hex: string): Buffer {
  return Buffer.from(hex, "hex");
}

/** UTCTime. */
function time(atMs: number): Buffer {
  const digits = new Date(atMs).toISOString().replaceAll(/[-:T]/g, "").slice(2, 14);
  return der(0x17, Buffer.from(`${digits}Z`));
}
