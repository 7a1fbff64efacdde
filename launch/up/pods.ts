/** @file The place of a pod in an Indexed Job of Kubernetes. Pure. */
import { TesseraError } from '../../shared/core/errors.ts';
import { ALONE, type NodeFacts, type NodePlace } from './place.ts';

/**
 * The place of the pod: the one with the index 0 is the first.
 *
 * Its host name is JOB-INDEX. The others dial JOB-0.SERVICE: pods have names in a headless Service only, which is the
 * Job's `subdomain`, and stands in the full name that the kubelet writes into the pod's hosts file.
 *
 * Throws  USAGE where the first pod has no name.
 */
export function podPlace({ env, hostname, fullNames, service }: NodeFacts): NodePlace {
  const text = env['JOB_COMPLETION_INDEX'] ?? '';
  if (!/^\d+$/.test(text)) {
    throw new TesseraError(
      'USAGE',
      `JOB_COMPLETION_INDEX is ${JSON.stringify(text)}, not a number`,
      {
        hint: 'Kubernetes sets it for a Job with completionMode: Indexed',
      },
    );
  }
  const index = Number(text);
  const [host = ''] = hostname.split('.');
  const job = host.endsWith(`-${index}`) ? host.slice(0, -`-${index}`.length) : undefined;
  const found = service ?? serviceIn([hostname, ...fullNames], host);
  const kept = { ...ALONE, by: 'kubernetes', job, count: undefined } as const;
  if (job !== undefined && found !== undefined) {
    return { ...kept, isFirst: index === 0, first: `${job}-0.${found}` };
  }
  if (index === 0) {
    const why = 'no headless Service is known, so no other pod can join';
    return { ...kept, warnings: [`${why}; give --service NAME if there are others`] };
  }
  const what =
    job === undefined
      ? `the host name of this pod, ${hostname}, does not end with its index ${index}`
      : 'the name of the headless Service is not known';
  throw new TesseraError('USAGE', `the first pod has no name that can be dialled: ${what}`, {
    hint: 'set subdomain in the template of the Job, and give its Service with --service; or give --nodes',
  });
}

/** The Service in a full name such as `job-1.service.space.svc.cluster.local`. */
function serviceIn(names: readonly string[], host: string): string | undefined {
  const full = names.find((name) => name.startsWith(`${host}.`));
  return full?.split('.')[1];
}
