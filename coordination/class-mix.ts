/**
 * Which class each agent of a mesh is of. Counts are exact for any total (largest remainder), and classes
 * are dealt cluster by cluster, so that a cluster is of one class as far as the counts allow (spec 2.2:
 * agents are clustered by similar impedance) while every sector gets its mix: the sectors are visited in
 * rounds, in a golden-ratio stride that spreads what does not fill a round over the whole mesh.
 */
import { IMPEDANCE_CLASSES, type ImpedanceClass } from "./impedance-class.ts";

/** Shares of the classes, in any unit; a class that is left out has none. */
export type ClassShares = Readonly<Partial<Record<ImpedanceClass, number>>>;

/**
 * Agents of each class, by class index, with sum `total`: each share rounded down, what is left over to
 * the largest remainders (the lower class on a tie). RangeError for a share that is negative or not
 * finite, for an unknown class, and when all are 0.
 */
export function classCounts(total: number, shares?: ClassShares): number[] {
  const weights = IMPEDANCE_CLASSES.map((entry) =>
    shares ? (shares[entry.name] ?? 0) : entry.allocation,
  );
  if (shares) checkShares(shares);
  const sum = weights.reduce((left, right) => left + right, 0);
  if (!(sum > 0 && sum < Infinity)) {
    throw new RangeError(
      `classes: expected shares with a positive finite sum, got a sum of ${sum}`,
    );
  }
  // Multiplied before it is divided: whole shares then have exact remainders, and ties are ties.
  const remainders = weights.map((weight) => (weight * total) % sum);
  const counts = weights.map((weight, index) =>
    Math.round((weight * total - remainders[index]) / sum),
  );
  const byRemainder = [...remainders.keys()].sort(
    (left, right) => remainders[right] - remainders[left] || left - right,
  );
  let missing = total - counts.reduce((left, right) => left + right, 0);
  for (let next = 0; missing > 0; next++, missing--) counts[byRemainder[next]]++;
  return counts;
}

/**
 * Class index of every agent in index order. Every sector gets its first cluster before any gets its
 * second, so two sectors never differ by more than one cluster of a class.
 */
export function dealClasses(
  sectors: number,
  clustersPerSector: number,
  agentsPerCluster: number,
  counts: readonly number[],
): Uint8Array {
  const classOf = new Uint8Array(sectors * clustersPerSector * agentsPerCluster);
  const stride = goldenStride(sectors);
  let dealt = 0;
  let current = 0;
  let until = counts[0];
  for (let step = 0; step < sectors * clustersPerSector; step++) {
    const sector = (step * stride) % sectors;
    const from = (sector * clustersPerSector + Math.floor(step / sectors)) * agentsPerCluster;
    for (let agent = 0; agent < agentsPerCluster; agent++, dealt++) {
      while (dealt >= until) until += counts[++current];
      classOf[from + agent] = current;
    }
  }
  return classOf;
}

/** The stride nearest to `count` / φ that visits every one of `count` places before the first again. */
function goldenStride(count: number): number {
  const ideal = Math.max(1, Math.round(count * 0.618_033_988_749_895));
  for (let away = 0; ; away++) {
    if (greatestCommonDivisor(ideal + away, count) === 1) return ideal + away;
    if (ideal > away && greatestCommonDivisor(ideal - away, count) === 1) return ideal - away;
  }
}

function greatestCommonDivisor(left: number, right: number): number {
  return right === 0 ? left : greatestCommonDivisor(right, left % right);
}

function checkShares(shares: ClassShares): void {
  for (const [name, share] of Object.entries(shares)) {
    if (!IMPEDANCE_CLASSES.some((entry) => entry.name === name)) {
      const names = IMPEDANCE_CLASSES.map((entry) => entry.name).join(", ");
      throw new RangeError(`classes: expected names among ${names}, got ${JSON.stringify(name)}`);
    }
    if (!(share >= 0 && share < Infinity)) {
      throw new RangeError(`classes.${name}: expected a share from 0 up, got ${share}`);
    }
  }
}
