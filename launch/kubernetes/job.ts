/** @file The Job of a run: one pod a node, numbered, each started again as the table of exit codes says. Pure. */
import { CURRENT_FOLDER, ENVIRONMENT, lineOf, probeLine } from '../containers/request.ts';
import { failureRules } from './failure-policy.ts';
import { CONTAINER, firstHost, labelsOf, PORT, type SealedRequest } from './request.ts';
import { podVolumes } from './volumes.ts';

/** Failures of one pod that are not disruptions; one more ends the Job. */
const FAILURES = 6;
/** The user and the group of the container. */
const USER = 1000;
const MIB = 2 ** 20;

/** The spec of the Job. */
export function jobSpec(request: SealedRequest) {
  const { nodes } = request;
  return {
    completionMode: 'Indexed',
    completions: nodes,
    parallelism: nodes,
    // The run is done once the first pod says so, even where another one waits for a machine.
    successPolicy: { rules: [{ succeededIndexes: '0' }] },
    backoffLimitPerIndex: FAILURES,
    maxFailedIndexes: 0,
    // Never two pods of one index: the new first one would find the run in use.
    podReplacementPolicy: 'Failed',
    podFailurePolicy: { rules: failureRules(CONTAINER) },
    template: { metadata: { labels: labelsOf(request) }, spec: podSpec(request) },
  };
}

function podSpec(request: SealedRequest) {
  const { name, gpus, graceSeconds } = request;
  const { volumes, volumeMounts } = podVolumes(request);
  return {
    subdomain: name,
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: graceSeconds,
    automountServiceAccountToken: false,
    // Variables of Services whose names begin with tessera would look like ours.
    enableServiceLinks: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: USER,
      runAsGroup: USER,
      fsGroup: USER,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
    ...(gpus > 0 && {
      tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
    }),
    containers: [container(request, volumeMounts)],
    volumes,
  };
}

function container(request: SealedRequest, volumeMounts: readonly object[]) {
  const { image, envSecret } = request;
  const first = `${firstHost(request)}:${PORT}`;
  const [command = '', ...args] = lineOf(request, ['--service', request.name]);
  return {
    name: CONTAINER,
    image,
    command: [command],
    args: args.map(unexpanded),
    workingDir: CURRENT_FOLDER,
    env: Object.entries(ENVIRONMENT).map(([name, value]) => ({ name, value })),
    ...(envSecret !== undefined && { envFrom: [{ secretRef: { name: envSecret } }] }),
    ports: [{ name: 'grpc', containerPort: PORT }],
    // No liveness probe: a node that cannot continue ends by itself, and one that only waits must not be killed.
    readinessProbe: {
      exec: { command: probeLine(first) },
      initialDelaySeconds: 10,
      periodSeconds: 60,
      timeoutSeconds: 20,
    },
    resources: resourcesOf(request),
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts,
  };
}

/** Requests and limits are equal: a node starts as many threads as it is given, and is not the first to lose its memory. */
function resourcesOf({ cpus, memory, gpus }: SealedRequest) {
  const amount = {
    cpu: String(cpus),
    memory: `${Math.ceil(memory / MIB)}Mi`,
    ...(gpus > 0 && { 'nvidia.com/gpu': String(gpus) }),
  };
  return { requests: amount, limits: amount };
}

/** Kubernetes would put the value of a variable in the place of `$(NAME)`. */
function unexpanded(text: string): string {
  return text.replaceAll('$(', '$$$$(');
}
