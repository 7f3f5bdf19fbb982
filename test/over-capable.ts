// Messages that ask for more than their sender may: tokens that were widened, stolen, bent, outlived or brought to
// somebody else, and messages that need what their token does not name.
import { createHash } from "node:crypto";
import { TOKEN_LIFETIME_MS } from "../trust/capability-token.ts";
import { issueRoot, issueSector } from "../trust/identity.ts";
import { nativeSignatures } from "../trust/native-signatures.ts";
import { NOTHING_REVOKED } from "../trust/revocation.ts";
import type { Signer } from "../trust/signatures.ts";
import {
  attenuateToken,
  checkToken,
  issueToken,
  type TokenGrant,
  type TokenPolicy,
  type TokenUse,
  type TrustedToken,
  useFault,
} from "../trust/token-chain.ts";
import type { Tally } from "./forgeries.ts";

const NOW_MS = 1_800_000_000_000;
const NAMES = ["pay", "read", "refund", "ship", "sign", "sweep", "weigh", "write"];
const MESH = new Uint8Array(16).fill(7);
const ROWS = { from: 300, to: 600 };
/** Honest tokens that cases are made of; new ones this often. */
const POOL = 32;
const CASES_A_POOL = 2_000;

/** A token, and what it was made of. */
interface Made {
  readonly bytes: Uint8Array;
  readonly grant: TokenGrant;
  readonly holder: number;
  readonly links: number;
  readonly use: TokenUse;
}

export class OverCapable {
  readonly #pick: (most: number) => number;
  readonly #root: Signer = signerOf("root");
  readonly #sector: Signer = signerOf("sector");
  readonly #holders: readonly Signer[] = Array.from({ length: 16 }, (_, i) => signerOf(`row ${i}`));
  readonly #sectorCertificate: Uint8Array;
  readonly #policy: TokenPolicy;
  #serial = 0;

  constructor(pick: (most: number) => number) {
    this.#pick = pick;
    const issue = { meshId: MESH, serial: 1, nowMs: NOW_MS - 1_000 };
    const { from, to } = ROWS;
    this.#sectorCertificate = issueSector(this.#sector.publicKey, this.#root, from, to, issue);
    this.#policy = {
      signatures: nativeSignatures,
      meshId: MESH,
      root: issueRoot(this.#root, issue),
      rootKey: this.#root.publicKey,
      nowMs: NOW_MS,
      revoked: NOTHING_REVOKED,
      isRevokedRow: (row) => row === 299,
    };
  }

  run(count: number, tally: Tally, tell: (line: string) => void): void {
    let pool: Made[] = [];
    for (let i = 0; i < count; i++) {
      if (i % CASES_A_POOL === 0) {
        if (i % (CASES_A_POOL * 25) === 0) tell(`over-capable: ${i} of ${count}`);
        pool = Array.from({ length: POOL }, () => this.#honest());
      }
      const made = pool[this.#pick(POOL)];
      if (i % 10 === 0) {
        const fault = this.#fault(made.bytes, made.use);
        tally.truth(fault === undefined, () => String(fault));
      }
      const [bytes, use] = this.#overdone(made, pool);
      const fault = this.#fault(bytes, use);
      tally.attack(fault === undefined ? 1 : 0, fault === undefined ? [] : [fault], () =>
        JSON.stringify(use),
      );
    }
  }

  #fault(bytes: Uint8Array, use: TokenUse): string | undefined {
    const token = checkToken(bytes, this.#policy);
    return typeof token === "string" ? token : useFault(token as TrustedToken, use);
  }

  /** One to four links, each as much or less than the one before, and a message that it serves. */
  #honest(): Made {
    let holder = this.#pick(16);
    let grant = this.#grant(holder);
    const byRoot = this.#pick(3) === 0;
    let bytes = byRoot
      ? issueToken(grant, this.#root)
      : issueToken(grant, this.#sector, [this.#sectorCertificate]);
    const links = 1 + this.#pick(4);
    for (let link = 1; link < links; link++) {
      const next = this.#pick(16);
      const kept = grant.capabilities.filter(() => this.#pick(3) > 0);
      const part: TokenGrant = {
        ...grant,
        serial: ++this.#serial,
        holderKey: this.#holders[next].publicKey,
        holderRow: next,
        capabilities: kept.length > 0 ? kept : grant.capabilities.slice(0, 1),
        from: grant.from + this.#pick(3),
        to: grant.to - this.#pick(3),
        notAfterMs: grant.notAfterMs - this.#pick(1_000),
      };
      bytes = attenuateToken(bytes, part, this.#holders[holder]) as Uint8Array;
      grant = part;
      holder = next;
    }
    const target = grant.from + this.#pick(grant.to - grant.from);
    const needs = grant.capabilities.filter(() => this.#pick(2) === 0);
    return { bytes, grant, holder, links, use: { sender: holder, target, needs, nowMs: NOW_MS } };
  }

  #grant(holder: number): TokenGrant {
    const capabilities = NAMES.filter(() => this.#pick(2) === 0);
    return {
      meshId: MESH,
      serial: ++this.#serial,
      holderKey: this.#holders[holder].publicKey,
      holderRow: holder,
      capabilities: capabilities.length > 0 ? capabilities : ["pay"],
      from: ROWS.from + this.#pick(100),
      to: ROWS.to - this.#pick(100),
      notBeforeMs: NOW_MS - this.#pick(900),
      notAfterMs: NOW_MS + 60_000 + this.#pick(60_000),
    };
  }

  /** The same with more asked of it than it gives. */
  #overdone(made: Made, pool: readonly Made[]): readonly [Uint8Array, TokenUse] {
    const { bytes, grant, holder, use } = made;
    const missing = ["mint", ...NAMES].filter((name) => !grant.capabilities.includes(name));
    const more = missing[this.#pick(missing.length)];
    switch (this.#pick(12)) {
      case 0:
        return [bytes, { ...use, needs: [...use.needs, more] }];
      case 1:
        return [bytes, { ...use, sender: (holder + 1 + this.#pick(15)) % 16 }];
      case 2:
        return [bytes, { ...use, target: this.#pick(2) === 0 ? grant.from - 1 : grant.to }];
      case 3:
        return [bytes, { ...use, nowMs: grant.notAfterMs + this.#pick(1_000) }];
      case 4:
        return this.#passed(made, { capabilities: [...grant.capabilities, more] });
      case 5:
        return this.#passed(
          made,
          this.#pick(2) === 0 ? { to: grant.to + 1 } : { from: grant.from - 1 },
        );
      case 6:
        return this.#passed(made, { notAfterMs: grant.notAfterMs + 1 + this.#pick(1_000) });
      case 7:
        // By a holder that it was not given to.
        return this.#passed(made, {}, this.#holders[(holder + 1 + this.#pick(15)) % 16]);
      case 8:
        return [this.#flipped(bytes), use];
      case 9:
        return [this.#spliced(bytes, pool[this.#pick(pool.length)].bytes), use];
      case 10:
        return [this.#granted({ ...grant, holderRow: 299 }), { ...use, sender: 299 }];
      default:
        return [this.#granted({ ...grant, notAfterMs: NOW_MS + TOKEN_LIFETIME_MS + 1 }), use];
    }
  }

  #granted(grant: TokenGrant): Uint8Array {
    return issueToken(grant, this.#root);
  }

  /** Passed on, as more or by another than it may be; of four links a new one is made, by its holder as an issuer. */
  #passed(
    { bytes, grant, holder, use }: Made,
    changes: Partial<TokenGrant>,
    by: Signer = this.#holders[holder],
  ): readonly [Uint8Array, TokenUse] {
    const wish = { ...grant, serial: ++this.#serial, ...changes };
    const next = attenuateToken(bytes, wish, by);
    return [typeof next === "string" ? issueToken(wish, this.#holders[holder]) : next, use];
  }

  #flipped(bytes: Uint8Array): Uint8Array {
    const bent = bytes.slice();
    bent[this.#pick(bent.length)] ^= 1 << this.#pick(8);
    return bent;
  }

  /** The beginning of one and the rest of another, which are never the same token. */
  #spliced(one: Uint8Array, other: Uint8Array): Uint8Array {
    const at = 9 + this.#pick(Math.min(one.length, other.length) - 10);
    const bent = Uint8Array.from([...one.subarray(0, at), ...other.subarray(at)]);
    const same = [one, other].some((token) => Buffer.compare(token, bent) === 0);
    return same ? this.#flipped(one) : bent;
  }
}

function signerOf(name: string): Signer {
  return nativeSignatures.signer(new Uint8Array(createHash("sha256").update(name).digest()));
}
