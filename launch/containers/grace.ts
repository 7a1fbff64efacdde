/** @file How long a container that is asked to end may take. Pure. */
import { resolveModel } from '../../shared/config/rules.ts';
import type { PlannedConfig } from '../../shared/config/schema.ts';
import { parameterTable } from '../../shared/model/parameters.ts';
import { marginMs } from '../time-limit.ts';

/** Less than this is of no use: a save of a small model takes a second on a disk that is not busy. */
const LEAST_SECONDS = 60;
/** Where the data set is not here: as many as ImageNet has. */
const CLASSES = 1000;

/** Longer than a save of the config's model, and the one that has just begun. Units  seconds. */
export function graceSeconds(config: PlannedConfig): number {
  const parameters = parameterTable(resolveModel(config, CLASSES)).size;
  const seconds = marginMs({ parameters, longestSeconds: undefined }) / 1000;
  return Math.max(LEAST_SECONDS, 10 * Math.ceil(seconds / 10));
}
