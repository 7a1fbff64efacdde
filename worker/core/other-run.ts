/** @file Why a worker leaves that finds another run, or another model, at the address of its own. */
import type { ErrorReport } from '../../shared/core/error-report.ts';

/** It serves one run. */
export const ANOTHER_RUN: ErrorReport = {
  code: 'PROTOCOL_MISMATCH',
  reason: 'the coordinator at this address trains another run now, and a worker serves one',
  hint: 'start this worker again to work for the run at this address; or give it the address of its own run',
};
/** Its run is the same, so it is the program that is not. */
export const ANOTHER_MODEL: ErrorReport = {
  code: 'PROTOCOL_MISMATCH',
  reason: 'the coordinator trains another model than the one built here',
  hint: 'start this worker again: it builds what the run trains now',
};
