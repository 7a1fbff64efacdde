/** @file Which proofs run: all by `npm run proofs` (PROOFS=all); in `npm test` a short run of each kind. */
import { it } from 'vitest';

/** Whether all are asked for. */
export const runsAllProofs = process.env['PROOFS'] === 'all';

/** A test of many seconds for which a shorter one of its file stands in `npm test`. */
export const longIt = it.runIf(runsAllProofs);
