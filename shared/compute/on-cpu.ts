/** @file Which engines compute on the cores; apart from the options of a config, whose library no thread needs. */
import { ENGINES } from './engines/registry.ts';

/**
 * Whether an engine computes on the cores, by what its program reports: its id, or a text that begins with it. An engine
 * that is not in the registry, such as a replay, does not.
 */
export function isOnCpu(identity: string): boolean {
  const engine = ENGINES.find(({ id }) => id === identity.split(' ')[0]);
  return engine !== undefined && engine.needs === undefined;
}
