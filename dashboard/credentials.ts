/** Authenticators, by the browser's WebAuthn: what the server asks as JSON, and what they answer as JSON. */

type Json = Readonly<Record<string, unknown>>;

/** Whether this browser has them here: over http only for localhost. */
export function hasAuthenticators(): boolean {
  return typeof PublicKeyCredential !== "undefined" && isSecureContext;
}

/** Has an authenticator make a key for these options. */
export async function createCredential(options: unknown): Promise<Json> {
  const asked = options as Json & { readonly user: Json; readonly excludeCredentials?: Json[] };
  const publicKey = {
    ...asked,
    challenge: bytesOf(asked.challenge),
    user: { ...asked.user, id: bytesOf(asked.user.id) },
    excludeCredentials: (asked.excludeCredentials ?? []).map(withBytes),
  } as unknown as PublicKeyCredentialCreationOptions;
  const made = (await navigator.credentials.create({ publicKey })) as PublicKeyCredential;
  const response = made.response as AuthenticatorAttestationResponse;
  return answerOf(made, {
    attestationObject: textOf(response.attestationObject),
    transports: response.getTransports?.() ?? [],
  });
}

/** Has an authenticator sign for these options. */
export async function signWith(options: unknown): Promise<Json> {
  const asked = options as Json & { readonly allowCredentials?: Json[] };
  const publicKey = {
    ...asked,
    challenge: bytesOf(asked.challenge),
    allowCredentials: (asked.allowCredentials ?? []).map(withBytes),
  } as unknown as PublicKeyCredentialRequestOptions;
  const made = (await navigator.credentials.get({ publicKey })) as PublicKeyCredential;
  const response = made.response as AuthenticatorAssertionResponse;
  return answerOf(made, {
    authenticatorData: textOf(response.authenticatorData),
    signature: textOf(response.signature),
    ...(response.userHandle && { userHandle: textOf(response.userHandle) }),
  });
}

/** Why nothing came of it, for people: the browser's own words name no remedy. */
export function whyNot(error: unknown): string {
  const { name, message } = error as Error;
  switch (name) {
    case "NotAllowedError":
      return "The authenticator did not answer, did not verify you, or was told not to. Nothing was done.";
    case "InvalidStateError":
      return "This authenticator is enrolled already.";
    default:
      return message;
  }
}

/** Text for a header. */
export function headerOf(answer: Json): string {
  return textOf(new TextEncoder().encode(JSON.stringify(answer)));
}

function answerOf(made: PublicKeyCredential, response: Json): Json {
  const clientDataJSON = textOf(made.response.clientDataJSON);
  return {
    id: made.id,
    rawId: textOf(made.rawId),
    type: made.type,
    clientExtensionResults: made.getClientExtensionResults(),
    response: { clientDataJSON, ...response },
  };
}

function withBytes(credential: Json): Json {
  return { ...credential, id: bytesOf(credential.id) };
}

/** From base64url. */
function bytesOf(written: unknown): Uint8Array<ArrayBuffer> {
  const text = atob(String(written).replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

/** As base64url. */
function textOf(bytes: ArrayBuffer | Uint8Array): string {
  let text = "";
  for (const byte of new Uint8Array(bytes)) text += String.fromCharCode(byte);
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
