import { randomBytes, webcrypto } from "node:crypto";
import { createRequire } from "node:module";
import { isIP } from "node:net";
import { MeshError } from "../../actors/errors.ts";

/** Both PEM: a certificate, and its private key as PKCS #8. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** Times of a certificate, ms since the epoch, whole seconds. */
export interface Lifetime {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** What a certificate of a tier says. */
export interface TierSubject extends Lifetime {
  readonly name: string;
  /** `spiffe://mesh-30k/<tier>/<name>`: who it is, whatever machine it runs on. */
  readonly uri: string;
  /** Names and addresses under which it is connected to. */
  readonly hosts: readonly string[];
  /** Whether it takes connections; all make some. */
  readonly isServer: boolean;
}

interface Extension {
  readonly value: unknown;
}
interface Made {
  toString(format: "pem"): string;
}
/** As much of `@peculiar/x509` as is used. */
interface X509Package {
  readonly cryptoProvider: { set(crypto: unknown): void };
  readonly X509CertificateGenerator: {
    createSelfSigned(about: object): Promise<Made>;
    create(about: object): Promise<Made>;
  };
  readonly X509Certificate: new (
    pem: string,
  ) => { readonly subject: string; readonly publicKey: unknown };
  readonly BasicConstraintsExtension: new (
    ca: boolean,
    path?: number,
    critical?: boolean,
  ) => Extension;
  readonly KeyUsagesExtension: new (usages: number, critical?: boolean) => Extension;
  readonly KeyUsageFlags: Readonly<Record<"digitalSignature" | "keyCertSign" | "cRLSign", number>>;
  readonly ExtendedKeyUsage: Readonly<Record<"serverAuth" | "clientAuth", string>>;
  readonly ExtendedKeyUsageExtension: new (
    usages: readonly string[],
    critical?: boolean,
  ) => Extension;
  readonly SubjectAlternativeNameExtension: new (
    names: readonly { readonly type: "dns" | "ip" | "url"; readonly value: string }[],
  ) => Extension;
  readonly SubjectKeyIdentifierExtension: { create(key: unknown): Promise<Extension> };
  readonly AuthorityKeyIdentifierExtension: { create(key: unknown): Promise<Extension> };
}

/** What every TLS library of these years takes, nats-server's and PostgreSQL's among them. */
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** The library. MESH_NO_X509 when it is not installed. */
function loadX509(): X509Package {
  const load = createRequire(import.meta.url);
  try {
    // It looks for its parts by what this adds to the global Reflect.
    load("reflect-metadata");
    const x509 = load("@peculiar/x509") as X509Package;
    x509.cryptoProvider.set(webcrypto);
    return x509;
  } catch (error) {
    throw new MeshError(
      "MESH_NO_X509",
      "certs: expected the packages @peculiar/x509 and reflect-metadata, which make certificates, got none: " +
        "npm install @peculiar/x509@2 reflect-metadata",
      { cause: error },
    );
  }
}

/** Makes an authority that signs itself, and signs nothing but ends of a chain. */
export async function makeAuthority(name: string, lifetime: Lifetime): Promise<KeyPair> {
  const x509 = loadX509();
  const keys = await newKeys();
  const { keyCertSign, cRLSign } = x509.KeyUsageFlags;
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: `CN=${name}`,
    ...datesOf(lifetime),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(keyCertSign | cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: made.toString("pem"), key: await pemOf(keys.privateKey) };
}

/** Makes a key and has the authority certify it. */
export async function issueCertificate(authority: KeyPair, subject: TierSubject): Promise<KeyPair> {
  const x509 = loadX509();
  const issuer = new x509.X509Certificate(authority.certificate);
  const keys = await newKeys();
  const { serverAuth, clientAuth } = x509.ExtendedKeyUsage;
  const names = subject.hosts.map(
    (value) => ({ type: isIP(value) ? "ip" : "dns", value }) as const,
  );
  const made = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: `CN=${subject.name}`,
    issuer: issuer.subject,
    ...datesOf(subject),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: await signingKey(authority.key),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      // A server of a cluster connects to the others as well.
      new x509.ExtendedKeyUsageExtension(
        subject.isServer ? [serverAuth, clientAuth] : [clientAuth],
      ),
      new x509.SubjectAlternativeNameExtension([...names, { type: "url", value: subject.uri }]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return { certificate: made.toString("pem"), key: await pemOf(keys.privateKey) };
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  const bytes = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key)).toString("base64");
  const lines = bytes.match(/.{1,64}/g) ?? [];
  return ["-----BEGIN PRIVATE KEY-----", ...lines, "-----END PRIVATE KEY-----", ""].join("\n");
}

function signingKey(pem: string): Promise<webcrypto.CryptoKey> {
  const bytes = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ""), "base64");
  return webcrypto.subtle.importKey("pkcs8", bytes, ALGORITHM, false, ["sign"]);
}

/** 127 random bits: positive, and nobody can tell the next one. */
function newSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0] & 0x7f) | 0x40;
  return bytes.toString("hex");
}

function datesOf({ notBeforeMs, notAfterMs }: Lifetime): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(notBeforeMs), notAfter: new Date(notAfterMs) };
}
