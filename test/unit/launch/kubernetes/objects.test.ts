/** @file The objects of a run on Kubernetes: names that fit each other, and rules made from the table of exit codes. */
import { describe, expect, it } from 'vitest';
import { kubernetesObjects } from '../../../../launch/kubernetes/objects.ts';
import { firstHost } from '../../../../launch/kubernetes/request.ts';
import { podPlace } from '../../../../launch/up/pods.ts';
import { yamlStream } from '../../../../shared/config/write.ts';
import { exitCodeRows } from '../../../../shared/machine/exit-codes.ts';
import { actionFor } from '../../../support/kubernetes/job-rules.ts';
import { Manifest } from '../../../support/kubernetes/manifest.ts';
import { FULL_REQUEST, SMALL_REQUEST } from '../../../support/kubernetes/request.ts';

const manifestOf = (request: typeof SMALL_REQUEST) =>
  new Manifest(yamlStream(kubernetesObjects(request), []));
const small = manifestOf(SMALL_REQUEST);
const full = manifestOf(FULL_REQUEST);

describe('a Job', () => {
  it.each(exitCodeRows())('does after exit code $code what the table says: $restart', (row) => {
    const actions = { always: 'Ignore', limited: 'Count', never: 'FailJob' };
    // A pod that ends with 0 has succeeded, and no rule is asked.
    const expected = row.code === 0 ? 'Count' : actions[row.restart];
    expect(actionFor(small.job, { code: row.code })).toBe(expected);
  });

  it.each([2, 75, 137])('ignores a pod that the cluster takes away, also with %i', (code) => {
    expect(actionFor(small.job, { code, isDisrupted: true })).toBe('Ignore');
  });

  it.each([137, 143, 255])('counts code %i, which the table lacks', (code) => {
    expect(actionFor(small.job, { code })).toBe('Count');
  });

  it('lets its pods find the first one by the name that is in their certificates', () => {
    const { subdomain, containers } = small.job.template.spec;
    const [container] = containers;
    const facts = { addresses: [], fullNames: [], service: subdomain };
    const place = podPlace({
      ...{ ...facts, hostname: 'digits-1', env: { JOB_COMPLETION_INDEX: '1' } },
    });
    expect(place.first).toBe(firstHost(SMALL_REQUEST));
    expect(subdomain).toBe(small.the('Service').metadata.name);
    expect(container?.readinessProbe.exec.command[2]).toBe(`${place.first}:50051`);
  });

  it('has the same name of the first pod in a JobSet, whose pods are JOBSET-nodes-0-INDEX', () => {
    const inSet = { ...SMALL_REQUEST, isJobSet: true };
    const place = podPlace({
      ...{ addresses: [], fullNames: [], service: 'digits', hostname: 'digits-nodes-0-1' },
      env: { JOB_COMPLETION_INDEX: '1' },
    });
    expect(place.first).toBe(firstHost(inSet));
    const kinds = kubernetesObjects(inSet).map(({ kind }) => kind);
    expect(kinds).toEqual(['ConfigMap', 'Secret', 'PersistentVolumeClaim', 'JobSet']);
  });

  it('gives its container nothing that it does not need', () => {
    expect(small.job.template.spec).toMatchObject({
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      restartPolicy: 'Never',
      securityContext: { runAsNonRoot: true, fsGroup: 1000 },
      containers: [
        {
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
        },
      ],
    });
  });

  it('mounts the keys for the owner alone, and each where it belongs', () => {
    const join = small.job.template.spec.volumes.find(({ name }) => name === 'join');
    expect(join?.secret?.defaultMode).toBe(0o400);
    const files = small.files(join as NonNullable<typeof join>);
    expect(Object.fromEntries(files)).toEqual({
      'ca.crt': 'A\n',
      'coordinator/tls.key': 'B\n',
      'worker/tls.key': 'C\n',
    });
  });

  it('has what was asked for', () => {
    const { containers, volumes } = full.job.template.spec;
    expect(containers[0]).toMatchObject({
      envFrom: [{ secretRef: { name: 'bucket' } }],
      resources: { limits: { cpu: '8', memory: '1024Mi', 'nvidia.com/gpu': '2' } },
    });
    // Kubernetes would expand $(HOME).
    expect(containers[0]?.args.join(' ')).toMatch(
      /--workers 2 --set training.epochs=2 --set name=\$\$\(HOME\) --yes$/,
    );
    const claims = volumes.flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim ?? []);
    expect(claims.map(({ claimName }) => claimName)).toEqual([
      'runs-of-all',
      'photos',
      'downloads',
    ]);
    // A volume of the user takes the place of the empty cache.
    const paths = containers[0]?.volumeMounts.map(({ mountPath }) => mountPath) ?? [];
    expect(new Set(paths).size).toBe(paths.length);
    expect(full.objects.some(({ kind }) => kind === 'PersistentVolumeClaim')).toBe(false);
  });

  it('is read by YAML 1.1, which Kubernetes has, as it was meant', () => {
    const text = yamlStream([{ a: 'yes', b: '0o17', c: '12:30', d: '1e3', e: 'on' }], []);
    expect(text).toBe('a: "yes"\nb: "0o17"\nc: "12:30"\nd: "1e3"\ne: "on"\n');
  });
});
