/** @file What a command says while it looks for a run. */
import { someOf } from '../../shared/core/text.ts';
import type { FindOptions } from '../../shared/runs/reader/find.ts';
import { say } from '../terminal/output.ts';

/** Newer runs that cannot be read are named on the terminal. */
export const SAY_PASSED_OVER: FindOptions = {
  passedOver: (runs) => say(`note: passed over: ${someOf(runs)}`),
};
