/** `evidence` and `verify`: one message, proved to somebody outside (spec 9.1). */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { MeshError } from "../../actors/errors.ts";
import { addressOf } from "../../coordination/address.ts";
import { createTopology } from "../../coordination/topology.ts";
import { readIdentities } from "../../runtime/trust/identity-file.ts";
import { hasKeys, keyPaths, readKeys } from "../../runtime/trust/key-files.ts";
import { type Certificate, readCertificate } from "../../trust/certificate.ts";
import { type Evidence, type Proven, verifyEvidence } from "../../trust/evidence.ts";
import { fingerprintOf } from "../../trust/identity.ts";
import { nativeSignatures } from "../../trust/native-signatures.ts";
import {
  type FaceCommand,
  faceCommand,
  type MeshCommand,
  meshCommand,
} from "../command/command.ts";
import { dataFolder } from "../command/config.ts";
import { duration, text } from "../command/values.ts";
import { EXIT, UsageError } from "../terminal/exit.ts";
import type { Paint } from "../terminal/paint.ts";

const WITHIN_MS = 10_000;
/** Longer files are no evidence, bytes. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;
const HOUR_MS = 3_600_000;

/** `evidence ADDRESS [--within D]`. */
export const evidenceCommand: MeshCommand = meshCommand({
  name: "evidence",
  help: "Wait for the next message from or to an actor, and print what proves it to an outsider.",
  details:
    "The message has to cross a thread of a mesh whose trust is all, as it is by default. What is printed is JSON " +
    "with the message, its proof, and the certificates up to the root; `verify` checks it anywhere. With keys of " +
    "the data folder the sender's own identity vouches for it, without them its thread does. Exit code 1 when " +
    "there was no such message in time.",
  parameters: {
    address: {
      schema: text("an address"),
      help: "sender or target",
      place: "positional",
      complete: "address",
    },
    within: {
      schema: duration(1, HOUR_MS).optional(),
      help: `how long to wait (default: ${WITHIN_MS / 1_000}s)`,
      value: "duration",
    },
  },
  examples: ["evidence sector-7/cluster-4/agent-12", "evidence orchestrator --within 1m"],
  changes: false,
  run: async ({ mesh }, { address, within = WITHIN_MS }): Promise<Evidence | null> => {
    if (mesh.trust === undefined)
      throw new MeshError("MESH_EVIDENCE", "evidence: nothing is signed here: its trust is off");
    return (await mesh.trust.evidence(address, { withinMs: within })) ?? null;
  },
  render: (evidence, paint) =>
    evidence === null
      ? paint.yellow("no message from or to it crossed a thread in that time")
      : JSON.stringify(evidence, undefined, 2),
  failed: (evidence) => evidence === null,
});

/** What `verify --json` prints. */
interface Verdict {
  readonly holds: boolean;
  /** Why not; null when it holds. */
  readonly reason: string | null;
  /** Whether the root was compared with one that the reader had. */
  readonly rootCompared: boolean;
  readonly proven: Proven | null;
  /** Addresses, where the sizes of the mesh are known here; null otherwise. */
  readonly sender: string | null;
  readonly target: string | null;
}

/** `verify FILE [--root FINGERPRINT]`. */
export const verifyCommand: FaceCommand = faceCommand({
  name: "verify",
  help: "Check evidence of one message: its proof, its signature, its certificates up to the root.",
  details:
    "It needs no mesh. The root is compared with --root, or with the root of the keys in the data folder; where " +
    "there is neither, compare its fingerprint with the one that `keys list` prints for whom you believe. Exit code " +
    "1, with the reason, when the evidence does not hold.",
  parameters: {
    file: {
      schema: text("the path of a file"),
      help: "what `evidence` printed",
      place: "positional",
    },
    root: {
      schema: text("32 hexadecimal digits").optional(),
      help: "fingerprint of the root that you believe",
      value: "fingerprint",
    },
    data: {
      schema: text("the path of a folder").optional(),
      help: "data folder whose root is believed (default: MESH_DATA, or .mesh-30k here)",
      value: "dir",
    },
  },
  examples: [
    "verify message.json",
    "verify message.json --root 9f86d081884c7d659a2feaa0c55ad015 --json",
  ],
  inRepl: true,
  check: ({ root }) => {
    if (root !== undefined && !/^[0-9a-f]{32}$/.test(root))
      throw new UsageError(
        `verify: root: expected 32 hexadecimal digits, got ${JSON.stringify(root)}`,
        "verify",
        "root",
      );
  },
  run: (face, { file, root, data }): Verdict => {
    const known = knownMesh(dataFolder(face, data ?? face.data));
    const believed = root ?? known?.root;
    const found = verifyEvidence(readEvidence(resolve(face.cwd, file)), {
      signatures: nativeSignatures,
      root: believed,
    });
    const rootCompared = believed !== undefined;
    const none = { sender: null, target: null };
    if (typeof found === "string")
      return { holds: false, reason: found, rootCompared, proven: null, ...none };
    const address = (row: number): string | null =>
      known?.root === found.root ? known.address(row) : null;
    const whom = { sender: address(found.sender), target: address(found.target) };
    return { holds: true, reason: null, rootCompared, proven: found, ...whom };
  },
  render: renderVerdict,
  exitCode: ({ holds }) => (holds ? EXIT.ok : EXIT.failure),
});

/** The document of a file; undefined when it is not JSON, which is no evidence. */
function readEvidence(path: string): unknown {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === "ENOENT" ? "no such file" : String(error);
    throw new UsageError(`verify: file: expected evidence, got ${path}: ${why}`, "verify", "file");
  }
  if (bytes.length > MAX_FILE_BYTES) return undefined;
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
}

interface KnownMesh {
  readonly root: string;
  address(row: number): string | null;
}

/** The root of the keys in a data folder, and the names of its rows. */
function knownMesh(dataDir: string): KnownMesh | undefined {
  if (!hasKeys(dataDir)) return undefined;
  const { identities: path } = keyPaths(dataDir);
  const { shape, root } = readIdentities(readKeys(path), path);
  const certificate = readCertificate(root) as Certificate;
  const { sectors, clustersPerSector, agentsPerCluster } = shape;
  const topology = createTopology({
    sectors,
    clustersPerSector,
    agentsPerCluster,
    spawnCapacity: 0,
  });
  return {
    root: fingerprintOf(certificate.publicKey),
    address: (row) => (row >= 0 && row < topology.rows ? addressOf(topology, row) : null),
  };
}

function renderVerdict(verdict: Verdict, paint: Paint): string {
  const { proven, reason, rootCompared, sender, target } = verdict;
  if (proven === null) return `${paint.red("DOES NOT HOLD")}: ${reason}`;
  const from = sender ?? `row ${proven.sender}`;
  const voucher = proven.agentProven
    ? "the sender's own identity delegated to the key that signed it"
    : `thread ${proven.thread} vouches for the sender; it has no identity of its own here`;
  const content =
    proven.number !== undefined
      ? `the number ${proven.number}`
      : proven.payload === undefined
        ? "no payload"
        : `${proven.payload.length / 2} bytes of msgpack, SHA-256 ${proven.payloadSha256}`;
  return [
    `${paint.green("HOLDS")}: ${proven.kind} from ${from} to ${target ?? `row ${proven.target}`}`,
    `sequence ${proven.sequence}, priority ${proven.priority}, ${new Date(proven.createdMs).toISOString()}`,
    content,
    `signed by thread ${proven.thread} in its incarnation ${proven.epoch}; ${voucher}`,
    `mesh ${proven.meshId}, root ${proven.root}`,
    ...(rootCompared
      ? []
      : [paint.yellow("Nobody has compared the root: give --root, or compare it by eye")]),
  ].join("\n");
}
