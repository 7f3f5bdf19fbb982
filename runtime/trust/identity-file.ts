import { MeshError } from "../../actors/errors.ts";
import { CERTIFICATE_BYTES } from "../../trust/certificate.ts";

/**
 * The public part of a key store, one file that is replaced as a whole: the root's certificate, the conductor's, then
 * those of all sectors and all agents in the order of their rows. Big-endian.
 *
 *   byte 0       4         5      8      24        28         32       36      44
 *        ├ magic ┼ version ┼ zero ┼ mesh ┼ sectors ┼ clusters ┼ agents ┼ next ┼ certificates, 168 each
 *          "M3KI"  u8        3      16     u32       u32        u32      u64
 *
 * `next` is the serial of the next certificate to be issued.
 */
const HEAD_BYTES = 44;
const MAGIC = 0x4d334b49;
const VERSION = 1;

/** How many there are of each, as the mesh has them. */
export interface IdentityShape {
  readonly sectors: number;
  readonly clustersPerSector: number;
  readonly agentsPerCluster: number;
}

/** Certificates of one mesh. */
export interface Identities {
  readonly meshId: Uint8Array;
  readonly shape: IdentityShape;
  nextSerial: number;
  root: Uint8Array;
  conductor: Uint8Array;
  /** By sector. */
  sectors: Uint8Array[];
  /** By row. */
  agents: Uint8Array[];
}

/** Agents of a mesh of this shape. */
export function agentsOf(shape: IdentityShape): number {
  return shape.sectors * shape.clustersPerSector * shape.agentsPerCluster;
}

export function writeIdentities(identities: Identities): Uint8Array {
  const { meshId, shape, nextSerial, root, conductor, sectors, agents } = identities;
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(MAGIC, 0);
  head[4] = VERSION;
  head.set(meshId, 8);
  head.writeUInt32BE(shape.sectors, 24);
  head.writeUInt32BE(shape.clustersPerSector, 28);
  head.writeUInt32BE(shape.agentsPerCluster, 32);
  head.writeBigUInt64BE(BigInt(nextSerial), 36);
  return Buffer.concat([head, root, conductor, ...sectors, ...agents]);
}

/** Reads what {@link writeIdentities} wrote; MESH_KEYS names the file and what is wrong with it. */
export function readIdentities(bytes: Uint8Array, path: string): Identities {
  const own = Buffer.from(bytes);
  const wrong = (expected: string, got: string | number): never => {
    throw new MeshError("MESH_KEYS", `${path}: expected ${expected}, got ${got}`);
  };
  if (own.length < HEAD_BYTES || own.readUInt32BE(0) !== MAGIC) wrong("identities", "another file");
  if (own[4] !== VERSION) wrong(`version ${VERSION}`, own[4]);
  const shape = {
    sectors: own.readUInt32BE(24),
    clustersPerSector: own.readUInt32BE(28),
    agentsPerCluster: own.readUInt32BE(32),
  };
  const count = 2 + shape.sectors + agentsOf(shape);
  const length = HEAD_BYTES + count * CERTIFICATE_BYTES;
  if (own.length !== length) wrong(`${length} bytes`, own.length);
  const at = (place: number): Uint8Array => {
    const from = HEAD_BYTES + place * CERTIFICATE_BYTES;
    return new Uint8Array(own.subarray(from, from + CERTIFICATE_BYTES));
  };
  const run = (from: number, many: number): Uint8Array[] =>
    Array.from({ length: many }, (_, i) => at(from + i));
  return {
    meshId: new Uint8Array(own.subarray(8, 24)),
    shape,
    nextSerial: Number(own.readBigUInt64BE(36)),
    root: at(0),
    conductor: at(1),
    sectors: run(2, shape.sectors),
    agents: run(2 + shape.sectors, agentsOf(shape)),
  };
}
