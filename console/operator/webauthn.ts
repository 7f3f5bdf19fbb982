/**
 * WebAuthn: what a browser is asked to have an authenticator sign, and whether what it signed is right. User presence
 * and user verification (a finger, a face, a PIN of the authenticator itself) are required, always. The library is
 * loaded when somebody first enrols or logs in.
 */
import { sentenceOf } from "../terminal/exit.ts";
import type { Authenticator } from "./operators.ts";
import { RefusedError } from "./role.ts";

type Library = typeof import("@simplewebauthn/server");
type RegistrationResponse = Parameters<Library["verifyRegistrationResponse"]>[0]["response"];
type AuthenticationResponse = Parameters<Library["verifyAuthenticationResponse"]>[0]["response"];

/** Where authenticators are enrolled: they answer no other place. */
export interface RelyingParty {
  /** A domain name: `localhost`, `mesh.example.com`. Authenticators know no addresses of digits. */
  readonly id: string;
  /** Origins of pages that may ask. */
  readonly origins: readonly string[];
}

/** EdDSA, ES256, RS256. */
const ALGORITHMS = [-8, -7, -257];
/** How long a person has, ms. */
export const CEREMONY_MS: number = 120_000;

let library: Promise<Library> | undefined;

function load(): Promise<Library> {
  library ??= import("@simplewebauthn/server");
  return library;
}

/** What `navigator.credentials.create` is asked for, as JSON. `challenge`: base64url. */
export async function creationOptions(
  party: RelyingParty,
  name: string,
  known: readonly Authenticator[],
  challenge: string,
): Promise<unknown> {
  const { generateRegistrationOptions } = await load();
  return generateRegistrationOptions({
    rpName: "mesh-30k",
    rpID: party.id,
    userName: name,
    userDisplayName: name,
    challenge: new Uint8Array(Buffer.from(challenge, "base64url")),
    timeout: CEREMONY_MS,
    attestationType: "none",
    excludeCredentials: known.map(({ id, transports }) => ({ id, transports: [...transports] })),
    authenticatorSelection: { residentKey: "preferred", userVerification: "required" },
    supportedAlgorithmIDs: ALGORITHMS,
  });
}

/** What `navigator.credentials.get` is asked for, as JSON. */
export async function requestOptions(
  party: RelyingParty,
  allowed: readonly Authenticator[],
  challenge: string,
): Promise<unknown> {
  const { generateAuthenticationOptions } = await load();
  return generateAuthenticationOptions({
    rpID: party.id,
    allowCredentials: allowed.map(({ id, transports }) => ({ id, transports: [...transports] })),
    challenge: new Uint8Array(Buffer.from(challenge, "base64url")),
    timeout: CEREMONY_MS,
    userVerification: "required",
  });
}

/** The challenge that an answer was made for, base64url; undefined when it cannot be read. */
export function challengeOf(answer: unknown): string | undefined {
  try {
    const { response } = answer as { response: { clientDataJSON: string } };
    const client = JSON.parse(Buffer.from(response.clientDataJSON, "base64url").toString("utf8"));
    return typeof client.challenge === "string" ? client.challenge : undefined;
  } catch {
    return undefined;
  }
}

/** The id of the authenticator that answered; "" when it cannot be read. */
export function credentialOf(answer: unknown): string {
  const { id } = (answer ?? {}) as { id?: unknown };
  return typeof id === "string" ? id.slice(0, 1_024) : "";
}

/** Checks a new authenticator; RefusedError when it may not be enrolled. */
export async function verifyCreation(
  party: RelyingParty,
  answer: unknown,
  challenge: string,
  nowMs: number,
): Promise<Authenticator> {
  const { verifyRegistrationResponse } = await load();
  const verified = await verify(() =>
    verifyRegistrationResponse({
      response: answer as RegistrationResponse,
      expectedChallenge: challenge,
      expectedOrigin: [...party.origins],
      expectedRPID: party.id,
      requireUserPresence: true,
      requireUserVerification: true,
      supportedAlgorithmIDs: ALGORITHMS,
    }),
  );
  const info = verified.registrationInfo;
  if (!verified.verified || info === undefined || !info.userVerified) throw refused("not verified");
  const { credential, aaguid, credentialDeviceType } = info;
  return {
    id: credential.id,
    publicKey: Buffer.from(credential.publicKey).toString("base64url"),
    counter: credential.counter,
    aaguid,
    transports: (credential.transports ?? []).slice(0, 8),
    isSynced: credentialDeviceType === "multiDevice",
    enrolledMs: Math.floor(nowMs),
  };
}

/** Checks an assertion; gives the new count of the authenticator. RefusedError when it is not what was asked for. */
export async function verifyAssertion(
  party: RelyingParty,
  answer: unknown,
  challenge: string,
  { id, publicKey, counter, transports }: Authenticator,
): Promise<number> {
  const { verifyAuthenticationResponse } = await load();
  const verified = await verify(() =>
    verifyAuthenticationResponse({
      response: answer as AuthenticationResponse,
      expectedChallenge: challenge,
      expectedOrigin: [...party.origins],
      expectedRPID: party.id,
      requireUserVerification: true,
      credential: {
        id,
        publicKey: new Uint8Array(Buffer.from(publicKey, "base64url")),
        counter,
        transports: [...transports],
      },
    }),
  );
  // All else that is wrong the library throws.
  if (!verified.verified) throw refused("its signature does not hold");
  return verified.authenticationInfo.newCounter;
}

async function verify<T>(check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    // The library's sentence names what is wrong: challenge, origin, RP id, flags, signature, counter.
    throw refused(sentenceOf(error));
  }
}

function refused(why: string): RefusedError {
  return new RefusedError("assertion", "CONSOLE_ASSERTION", `authenticator: ${why.slice(0, 300)}`);
}
