/**
 * @file Which node this is, which is the first, and how the others dial that: from `--nodes`, Slurm or Kubernetes. Pure;
 * what it is given was read by `machine.ts`.
 */
import { TesseraError } from '../../shared/core/errors.ts';
import { namedPlace } from './named-nodes.ts';
import { ALONE, type NodeFacts, type NodePlace } from './place.ts';
import { podPlace } from './pods.ts';
import { slurmPlace } from './slurm.ts';

/**
 * The place of this node: as `--nodes` says, else Slurm, else Kubernetes; a node without any of them is alone.
 *
 * Throws  USAGE where they do not say it.
 */
export function nodePlace(facts: NodeFacts): NodePlace {
  const { env, nodes, nodeIndex } = facts;
  if (nodes !== undefined) return namedPlace(facts, nodes);
  if (nodeIndex !== undefined) {
    throw new TesseraError('USAGE', '--node-index says which of --nodes this one is', {
      hint: 'add --nodes NAME,NAME,..., the first one first',
    });
  }
  if (env['SLURM_JOB_ID']) return slurmPlace(env);
  if (env['JOB_COMPLETION_INDEX']) return podPlace(facts);
  return ALONE;
}
