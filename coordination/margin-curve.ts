/**
 * From three margins to any: between 0 at q = .5 and the margins of .90, .95 and .99, and beyond, they grow
 * in proportion to −ln(1 − q), as the tail of a waiting time does.
 */
const Q50 = -Math.log(0.5);
const Q90 = -Math.log(0.1);
const Q95 = -Math.log(0.05);
const Q99 = -Math.log(0.01);
/** No margin is meant for a certainty: as sure as can be is this sure. */
const SUREST = -Math.log(1e-6);

/** Margin above the centre for q above 0.5, ms; margins must not fall. */
export function marginAt(q: number, m90: number, m95: number, m99: number): number {
  if (q <= 0.5) return 0;
  const at = q < 1 ? Math.min(SUREST, -Math.log(1 - q)) : SUREST;
  if (at <= Q90) return (m90 * (at - Q50)) / (Q90 - Q50);
  if (at <= Q95) return m90 + ((m95 - m90) * (at - Q90)) / (Q95 - Q90);
  return m95 + ((m99 - m95) * (at - Q95)) / (Q99 - Q95);
}

/** The q whose margin this is, 0.5 to below 1: the inverse of {@link marginAt}. */
export function probabilityAt(margin: number, m90: number, m95: number, m99: number): number {
  let at: number;
  if (margin < m90) at = Q50 + ((Q90 - Q50) * margin) / m90;
  else if (margin < m95) at = Q90 + ((Q95 - Q90) * (margin - m90)) / (m95 - m90);
  // Where margins are equal, whoever has one has the next.
  else if (m99 > m95) at = Q95 + ((Q99 - Q95) * (margin - m95)) / (m99 - m95);
  else at = margin > m99 ? SUREST : Q99;
  return 1 - Math.exp(-Math.min(at, SUREST));
}
