/** What predictors take for a time and a load: what is beyond is an error of who measured it. */

/** A delay of this and above, 18 hours, is none, ms. */
export const MAX_DELAY_MS: number = 2 ** 26;

/** A weight above this, or so much queued work, counts as this. */
export const MAX_LOAD = 1e6;
