import { createHash, randomInt } from "node:crypto";
import { assert, describe, test } from "vitest";
import { nativeSignatures } from "./native-signatures.ts";
import { portableSignatures } from "./portable-signatures.ts";
import { isWeakKey, type Signatures } from "./signatures.ts";

const portable = portableSignatures((message) => createHash("sha512").update(message).digest());
const both: readonly Signatures[] = [nativeSignatures, portable];
const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));
const hex = (data: Uint8Array): string => Buffer.from(data).toString("hex");

/** Bytes that follow from a seed and a number. */
function drawn(seed: number, number: number, length: number): Uint8Array {
  const out = new Uint8Array(length);
  for (let at = 0, block = 0; at < length; at += 32, block++) {
    const digest = createHash("sha256").update(`${seed}/${number}/${block}`).digest();
    out.set(digest.subarray(0, Math.min(32, length - at)), at);
  }
  return out;
}

// RFC 8032, section 7.1: TEST 1, 2, 3 and SHA(abc).
const VECTORS = [
  {
    seed: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    key: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    message: "",
    signature:
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155" +
      "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  },
  {
    seed: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    key: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    message: "72",
    signature:
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
      "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  },
  {
    seed: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    key: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    message: "af82",
    signature:
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac" +
      "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  },
  {
    seed: "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
    key: "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
    message:
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" +
      "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    signature:
      "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589" +
      "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
  },
];

describe("Ed25519", () => {
  test("both implementations give the keys and signatures of RFC 8032, and verify them", () => {
    for (const { signer, verifier } of both) {
      for (const vector of VECTORS) {
        const made = signer(bytes(vector.seed));
        assert.equal(hex(made.publicKey), vector.key);
        assert.equal(hex(made.sign(bytes(vector.message))), vector.signature);
        const found = verifier(bytes(vector.key));
        assert.isTrue(found?.verify(bytes(vector.message), bytes(vector.signature)));
        assert.isFalse(found?.verify(bytes(`${vector.message}00`), bytes(vector.signature)));
      }
    }
  });

  test("they are byte-identical, and each verifies the other's, on random keys and messages", () => {
    const seed = randomInt(2 ** 31);
    for (let i = 0; i < 30; i++) {
      const secret = drawn(seed, i, 32);
      const message = drawn(seed, i + 1_000, i * 7);
      const [one, two] = both.map(({ signer }) => signer(secret));
      const signature = one.sign(message);
      assert.equal(hex(one.publicKey), hex(two.publicKey), `seed ${seed}`);
      assert.equal(hex(signature), hex(two.sign(message)), `seed ${seed}`);
      const bent = signature.slice();
      bent[i % 64] ^= 1 << (i % 8);
      for (const { verifier } of both) {
        assert.isTrue(verifier(one.publicKey)?.verify(message, signature), `seed ${seed}`);
        assert.isFalse(verifier(one.publicKey)?.verify(message, bent), `seed ${seed}`);
      }
    }
  });

  test("whatever is no signature is false, and never throws", () => {
    const seed = randomInt(2 ** 31);
    const { publicKey } = nativeSignatures.signer(drawn(seed, 0, 32));
    for (const { verifier } of both) {
      for (const length of [0, 1, 63, 64, 65, 128]) {
        assert.isFalse(verifier(publicKey)?.verify(new Uint8Array(3), drawn(seed, 1, length)));
      }
      // S of the order of the group and more: a second form of the same signature.
      const high = new Uint8Array(64).fill(0xff);
      assert.isFalse(verifier(publicKey)?.verify(new Uint8Array(3), high));
      // No point of the curve has this y.
      const off = drawn(seed, 2, 32);
      for (let i = 0; i < 20; i++) {
        off[0] = i;
        assert.isFalse(verifier(off)?.verify(new Uint8Array(3), drawn(seed, 3, 64)) ?? false);
      }
    }
  });

  test("the second form of a signature (S plus the order of the group) is refused", () => {
    const order = bytes("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    const signer = nativeSignatures.signer(drawn(7, 0, 32));
    const message = drawn(7, 1, 40);
    const signature = signer.sign(message);
    for (let i = 0, carry = 0; i < 32; i++) {
      const sum = signature[32 + i] + order[i] + carry;
      signature[32 + i] = sum & 0xff;
      carry = sum >>> 8;
    }
    for (const { verifier } of both)
      assert.isFalse(verifier(signer.publicKey)?.verify(message, signature));
  });

  test("keys under which signatures prove nothing are refused", () => {
    // The point of order 1 and the signature R = 1, S = 0 hold for every message where nobody looks.
    const one = bytes("0100000000000000000000000000000000000000000000000000000000000000");
    const order8 = bytes("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa");
    const twice = bytes("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
    for (const { verifier } of both) {
      for (const key of [one, order8, twice, new Uint8Array(32), new Uint8Array(31)]) {
        assert.isTrue(isWeakKey(key));
        assert.isUndefined(verifier(key));
      }
    }
    assert.isFalse(isWeakKey(bytes(VECTORS[0].key)));
  });

  test("a seed of another length is refused without being shown", () => {
    for (const { signer } of both)
      assert.throws(() => signer(new Uint8Array(31)), "seed: expected 32 bytes, got 31");
  });
});
