// A security key of software, for tests: signs what a real one signs, and lies where a test wants it to.
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

/** What an authenticator may be made to say other than the truth. */
export interface Lies {
  /** Origin of the page that asked. */
  readonly origin?: string;
  /** Relying party that it signs for. */
  readonly rpId?: string;
  /** Whether it has verified its user. */
  readonly isVerified?: boolean;
  readonly challenge?: string;
}

interface Options {
  readonly challenge: string;
  readonly rp?: { readonly id: string };
  readonly rpId?: string;
}

const PRESENT = 0x01;
const VERIFIED = 0x04;
const HAS_CREDENTIAL = 0x40;

/** One key. */
export class SoftwareAuthenticator {
  readonly id: string = randomBytes(32).toString("base64url");
  readonly #origin: string;
  readonly #privateKey: KeyObject;
  readonly #coseKey: Buffer;
  #counter = 0;

  /** `origin`: of the pages that it is used on. */
  constructor(origin: string) {
    this.#origin = origin;
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const { x = "", y = "" } = publicKey.export({ format: "jwk" });
    this.#privateKey = privateKey;
    // {1: 2 (EC2), 3: -7 (ES256), -1: 1 (P-256), -2: x, -3: y}
    this.#coseKey = Buffer.concat([
      Buffer.from([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21]),
      bytes(Buffer.from(x, "base64url")),
      Buffer.from([0x22]),
      bytes(Buffer.from(y, "base64url")),
    ]);
  }

  /** What `navigator.credentials.create` would give for these options. */
  create(options: unknown, lies: Lies = {}): unknown {
    const { challenge, rp } = options as Options;
    const id = Buffer.from(this.id, "base64url");
    const length = Buffer.from([id.length >> 8, id.length & 0xff]);
    const credential = Buffer.concat([Buffer.alloc(16), length, id, this.#coseKey]);
    const data = Buffer.concat([this.#head(rp?.id ?? "", HAS_CREDENTIAL, lies), credential]);
    const attestation = Buffer.concat([
      Buffer.from([0xa3]),
      text("fmt"),
      text("none"),
      text("attStmt"),
      Buffer.from([0xa0]),
      text("authData"),
      bytes(data),
    ]);
    return {
      ...this.#named(),
      response: {
        clientDataJSON: this.#client("webauthn.create", challenge, lies).toString("base64url"),
        attestationObject: attestation.toString("base64url"),
        transports: ["usb"],
      },
    };
  }

  /** What `navigator.credentials.get` would give. */
  get(options: unknown, lies: Lies = {}): unknown {
    const { challenge, rpId } = options as Options;
    this.#counter++;
    const data = this.#head(rpId ?? "", 0, lies);
    const client = this.#client("webauthn.get", challenge, lies);
    const signed = Buffer.concat([data, createHash("sha256").update(client).digest()]);
    return {
      ...this.#named(),
      response: {
        clientDataJSON: client.toString("base64url"),
        authenticatorData: data.toString("base64url"),
        signature: sign("sha256", signed, this.#privateKey).toString("base64url"),
      },
    };
  }

  #named(): Record<string, unknown> {
    return { id: this.id, rawId: this.id, type: "public-key", clientExtensionResults: {} };
  }

  #head(rpId: string, flags: number, lies: Lies): Buffer {
    const verified = lies.isVerified === false ? 0 : VERIFIED;
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(this.#counter);
    const party = createHash("sha256")
      .update(lies.rpId ?? rpId)
      .digest();
    return Buffer.concat([party, Buffer.from([PRESENT | verified | flags]), counter]);
  }

  #client(type: string, challenge: string, lies: Lies): Buffer {
    const client = {
      type,
      challenge: lies.challenge ?? challenge,
      origin: lies.origin ?? this.#origin,
      crossOrigin: false,
    };
    return Buffer.from(JSON.stringify(client));
  }
}

/** CBOR: a text of fewer than 24 bytes. */
function text(written: string): Buffer {
  return Buffer.concat([Buffer.from([0x60 + written.length]), Buffer.from(written)]);
}

/** CBOR: bytes, fewer than 65,536. */
function bytes(value: Uint8Array): Buffer {
  const { length } = value;
  const head = length < 256 ? [0x58, length] : [0x59, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), value]);
}
