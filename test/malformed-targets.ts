// What reads bytes or text of others: each with what is right to begin from, and which errors it may say no with.
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import fc from "fast-check";
import { checkArguments, type MeshCommand } from "../console/command/command.ts";
import { readConfig } from "../console/command/config.ts";
import { flagOf, SETTINGS } from "../console/command/settings.ts";
import { readTyped } from "../console/command/typed-line.ts";
import { COMMANDS } from "../console/commands.ts";
import { readRequest } from "../console/control/protocol.ts";
import { understand } from "../console/grammar/understand.ts";
import { statusOf } from "../console/http/http-answer.ts";
import { argumentsInBody, argumentsInQuery } from "../console/http/http-arguments.ts";
import { isToken, refusalOf, tokenOf } from "../console/http/http-guard.ts";
import { exitCodeOf } from "../console/terminal/exit.ts";
import { FRAME_BYTES, frameFault } from "../mailbox/frame.ts";
import { PayloadCodec } from "../mailbox/payload.ts";
import { decodeCut, encodeCut } from "../runtime/freeze/cut-bytes.ts";
import { readIdentities, writeIdentities } from "../runtime/trust/identity-file.ts";
import { seal, unseal } from "../runtime/trust/sealed-file.ts";
import { readTokenLink } from "../trust/capability-token.ts";
import { readCertificate } from "../trust/certificate.ts";
import { checkChain } from "../trust/certificate-chain.ts";
import { verifyEvidence } from "../trust/evidence.ts";
import { issueAgent, issueRoot, issueSector } from "../trust/identity.ts";
import { nativeSignatures } from "../trust/native-signatures.ts";
import { NOTHING_REVOKED, readRevocations, revoke, writeRevocations } from "../trust/revocation.ts";
import type { Signer, Verifier } from "../trust/signatures.ts";
import { checkToken, issueToken } from "../trust/token-chain.ts";
import { cutOf, messageTo, snapshotOf } from "./cut.ts";
import { bentBytes, bentText, bentValue, type Pick } from "./mutation.ts";

/** One reader of input. */
export interface Target {
  readonly name: string;
  /** Cases of a thousand. */
  readonly share: number;
  /** Makes a case; the same for the same picks. */
  make(pick: Pick): unknown;
  /** Anything at all, for the properties of fast-check. */
  readonly anything: fc.Arbitrary<unknown>;
  /** Reads it. What it throws must be {@link isRefusal}; true or a promise of true when it was taken. */
  read(given: never): boolean | Promise<boolean>;
  /** Whether an error says no, instead of being one of ours. */
  isRefusal(error: unknown): boolean;
}

const NOW_MS = 1_800_000_000_000;
const MESH = new Uint8Array(16).fill(7);
const signerOf = (name: string): Signer =>
  nativeSignatures.signer(new Uint8Array(createHash("sha256").update(name).digest()));
const [ROOT, SECTOR, AGENT] = ["root", "sector", "agent"].map(signerOf);
const issue = { meshId: MESH, serial: 1, nowMs: NOW_MS - 1_000 };
const root = issueRoot(ROOT, issue);
const sector = issueSector(SECTOR.publicKey, ROOT, 0, 10, issue);
const agent = issueAgent(AGENT.publicKey, SECTOR, 3, issue);
const policy = {
  signatures: nativeSignatures,
  meshId: MESH,
  root,
  rootKey: ROOT.publicKey,
  nowMs: NOW_MS,
  revoked: NOTHING_REVOKED,
  isRevokedRow: () => false,
};
const grant = {
  meshId: MESH,
  serial: 2,
  holderKey: AGENT.publicKey,
  holderRow: 3,
  from: 0,
  to: 10,
  capabilities: ["pay", "read"],
  notBeforeMs: NOW_MS - 5,
  notAfterMs: NOW_MS + 60_000,
};

const anyBytes = fc.uint8Array({ maxLength: 300 });
const never = (): boolean => false;
const hasCode = (error: unknown): boolean =>
  typeof (error as { code?: unknown }).code === "string" && error instanceof Error;

function ofBytes(
  name: string,
  share: number,
  corpus: readonly Uint8Array[],
  read: (bytes: Uint8Array) => boolean,
  isRefusal: (error: unknown) => boolean = never,
): Target {
  const make = (pick: Pick): Uint8Array => bentBytes(corpus, pick);
  return { name, share, make, anything: anyBytes, read: read as Target["read"], isRefusal };
}

function trustTargets(): readonly Target[] {
  const list = revoke(
    revoke(NOTHING_REVOKED, { from: 1, to: 3, before: 7 }, 5),
    { from: 0, to: 9, before: 2 },
    6,
  );
  const revocations = writeRevocations(list, MESH, ROOT);
  const verifier = nativeSignatures.verifier(ROOT.publicKey) as Verifier;
  const token = issueToken(grant, SECTOR, [sector]);
  const link = issueToken(grant, ROOT).slice(10);
  const chain = Buffer.concat([root, sector, agent]);
  const evidence = {
    format: "mesh-30k/evidence/1",
    frame: Buffer.alloc(64, 5).toString("hex"),
    header: Buffer.alloc(128, 2).toString("hex"),
    index: 0,
    proof: ["00".repeat(32)],
    lane: { target: 2, urgent: false },
    session: [Buffer.from(root).toString("hex"), Buffer.from(sector).toString("hex")],
    identity: [Buffer.from(root).toString("hex")],
    revoked: "",
  };
  const secret = { key: new Uint8Array(32).fill(1) };
  return [
    ofBytes("certificate", 70, [root, sector, agent], (bytes) => {
      return typeof readCertificate(bytes) !== "string";
    }),
    ofBytes("chain of certificates", 60, [chain], (bytes) => {
      const pieces = [0, 168, 336].map((from) => bytes.subarray(from, from + 168));
      return typeof checkChain(pieces, policy) !== "string";
    }),
    ofBytes("link of a token", 60, [link], (bytes) => typeof readTokenLink(bytes) !== "string"),
    ofBytes("token", 60, [token, issueToken(grant, ROOT)], (bytes) => {
      return typeof checkToken(bytes, policy) !== "string";
    }),
    ofBytes("list of what is revoked", 70, [revocations], (bytes) => {
      return typeof readRevocations(bytes, MESH, verifier) !== "string";
    }),
    {
      name: "evidence",
      share: 60,
      make: (pick) => bentValue(evidence, pick),
      anything: fc.anything(),
      read: (given: unknown) =>
        typeof verifyEvidence(given, { signatures: nativeSignatures }) !== "string",
      isRefusal: never,
    },
    ofBytes(
      "sealed file",
      30,
      [seal(new Uint8Array(32), secret, "test")],
      (bytes) => unseal(bytes, secret, "test").length > 0,
      hasCode,
    ),
  ];
}

function memoryTargets(): readonly Target[] {
  const codec = new PayloadCodec();
  const packed = [
    {
      do: "pay",
      amount: 12.5,
      to: ["a", { b: null }],
      at: new Date(NOW_MS),
      raw: new Uint8Array(9),
    },
    [1, -1, 2 ** 40, "text", true, undefined, { nested: { deep: [[[[1]]]] } }],
    "x".repeat(70),
  ].map((value) => {
    const length = codec.encode(value);
    return codec.bytes.slice(0, length);
  });
  const frames = [5, 6, 7, 9, 10, 14].map((kind) => {
    const frame = new Uint8Array(FRAME_BYTES + 16);
    new Int32Array(frame.buffer).set([frame.length, kind | (1 << 8), 3, 4]);
    return frame;
  });
  const words = new Int32Array(4_096);
  const bytes = new Uint8Array(words.buffer);
  const place = (given: Uint8Array): number => {
    const length = Math.min(given.length, bytes.length);
    bytes.set(given.subarray(0, length));
    return length;
  };
  const identities = writeIdentities({
    meshId: MESH,
    shape: { sectors: 1, clustersPerSector: 1, agentsPerCluster: 1 },
    nextSerial: 9,
    root,
    conductor: root,
    sectors: [sector],
    agents: [agent],
  });
  const cut = Buffer.concat(
    encodeCut(
      cutOf([snapshotOf(3, { seen: [1, 2] })], [messageTo(5, 9, { do: "note", id: 1 })], 4),
    ),
  );
  return [
    ofBytes("frame", 150, frames, (given) => {
      words.fill(0, 0, 128);
      place(given);
      return frameFault(words, 0, 100) === undefined;
    }),
    ofBytes(
      "payload of a message",
      150,
      packed,
      (given) => {
        codec.decode(words, bytes, 0, place(given));
        return true;
      },
      // Of msgpackr; where it is called, it makes a dead letter of the message.
      (error) => error instanceof Error,
    ),
    ofBytes(
      "file of identities",
      40,
      [identities],
      (given) => readIdentities(given, "identities").agents.length > 0,
      hasCode,
    ),
    ofBytes(
      "file of a freeze",
      40,
      [cut],
      (given) => decodeCut(Buffer.from(given)) !== undefined,
      hasCode,
    ),
  ];
}

const LINES = [
  "status --json",
  "ask sector-1/cluster-1/agent-1 '{\"amount\": 10}' --timeout 5s",
  "cascade act --at +500ms --strategy wave --quorum 0.9 --payload {}",
  "conflicts --type DATA_CONTRADICTION --last 1d --limit 5",
  "keys rotate sector-7 --dry-run",
  "route avoid CLASS_E_LOCAL --capability inference",
  "scale --agents 40 --sector sector-2",
  "freeze sector-1 --out 'a b' --deadline 2s",
];
const SENTENCES = [
  "how is the mesh doing?",
  "show me the slowest agents of sector 7",
  "please restart sector-1/cluster-1/agent-1",
  "freeze everything at noon because of the audit",
  "which conflicts were there in the past day",
];
const isUsage = (error: unknown): boolean => error instanceof Error && exitCodeOf(error) === 2;

function consoleTargets(folder: string): readonly Target[] {
  const file = join(folder, "mesh.yaml");
  const keys = Object.keys(SETTINGS).map((key) => flagOf(key as keyof typeof SETTINGS));
  const yaml = [
    "sectors: 4\nclusters: 2\nagents: 5\nworkers: 2\nlog: silent\n",
    "listen: 127.0.0.1:0\ncheckpoint: 1s\nmax-payload: 64KiB\n# a comment\nseed: 7\n",
    "agent:\n  default: { http: { url: 'http://x', attempts: 3 } }\n",
    "a: &a [x, *a]\n",
    keys.map((key) => `${key}: 1`).join("\n"),
  ];
  const requests = [
    { id: 1, command: "status", arguments: {} },
    { id: 2, command: "top", arguments: {}, everyMs: 1000 },
    { id: 3, command: "cascade", arguments: { verb: "act", at: "+1s" }, progress: true },
    { cancel: 2 },
  ];
  return [
    ofText(
      "line of the control socket",
      60,
      requests.map((each) => JSON.stringify(each)),
      (text) => {
        return typeof readRequest(text) !== "string";
      },
    ),
    ofText("command line", 30, LINES, (text) => readTyped(COMMANDS, text) !== undefined, isUsage),
    ofText("sentence", 1, SENTENCES, (text) => understand(text, COMMANDS).understood, isUsage),
    ofText(
      "file of settings",
      4,
      yaml,
      (text) => {
        writeFileSync(file, text);
        return readConfig({ flags: {}, env: {}, cwd: folder, file }) !== undefined;
      },
      isUsage,
    ),
  ];
}

function ofText(
  name: string,
  share: number,
  corpus: readonly string[],
  read: (text: string) => boolean,
  isRefusal: (error: unknown) => boolean = never,
): Target {
  const make = (pick: Pick): string => bentText(corpus, pick);
  const anything = fc.string({ unit: "binary", maxLength: 120 });
  return { name, share, make, anything, read: read as Target["read"], isRefusal };
}

function httpTargets(): readonly Target[] {
  const routed = COMMANDS.filter((each): each is MeshCommand => each.needs === "mesh");
  const [ask] = routed.filter(({ name }) => name === "ask");
  const bodies = [
    { address: "sector-1/cluster-1/agent-1", message: { a: 1 }, timeout: "5s" },
    { sample: 20, capability: "inference", message: "status" },
  ];
  const headers = {
    host: "127.0.0.1:7470",
    origin: "http://127.0.0.1:7470",
    authorization: "Bearer abc",
  };
  const isClientsFault = (error: unknown): boolean => statusOf(error) < 500 || isUsage(error);
  return [
    {
      name: "HTTP body",
      share: 20,
      make: (pick) =>
        pick(2) === 0
          ? bentText(
              bodies.map((each) => JSON.stringify(each)),
              pick,
            )
          : JSON.stringify(bentValue(bodies[pick(bodies.length)], pick)),
      anything: fc.json(),
      read: async (text: string) => {
        const request = Object.assign(Readable.from([Buffer.from(text)]), {
          headers: { "content-type": "application/json" },
        }) as unknown as IncomingMessage;
        return checkArguments(ask, await argumentsInBody(request)) !== undefined;
      },
      isRefusal: isClientsFault,
    },
    ofText(
      "HTTP query",
      50,
      [
        "address=sector-1&timeout=5s&message=%7B%7D",
        "sample=3&select=sector-2&token=abc",
        "limit=5&slow",
      ],
      (text) => {
        const query = new URLSearchParams(text);
        const command = routed[text.length % routed.length];
        return checkArguments(command, argumentsInQuery(command, query)) !== undefined;
      },
      isClientsFault,
    ),
    {
      name: "HTTP headers",
      share: 45,
      make: (pick) => bentValue(headers, pick),
      anything: fc.dictionary(
        fc.constantFrom(...Object.keys(headers)),
        fc.string({ unit: "binary" }),
      ),
      read: (given: Record<string, unknown>) => {
        // As Node has them: text or nothing.
        const texts = Object.entries(given ?? {}).filter(([, value]) => typeof value === "string");
        const sent = Object.fromEntries(texts) as Record<string, string>;
        const token = tokenOf(sent, new URLSearchParams());
        return refusalOf(sent, { host: "127.0.0.1" }) === undefined && isToken(token, "abc");
      },
      isRefusal: never,
    },
  ];
}

/** All readers; `close` takes away the folder that some of them read from. */
export function malformedTargets(): { readonly targets: readonly Target[]; close(): void } {
  const folder = mkdtempSync(join(tmpdir(), "mesh-malformed-"));
  const targets = [
    ...trustTargets(),
    ...memoryTargets(),
    ...consoleTargets(folder),
    ...httpTargets(),
  ];
  return { targets, close: () => rmSync(folder, { recursive: true }) };
}
