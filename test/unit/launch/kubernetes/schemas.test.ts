/** @file The manifests are valid by the schemas of five minor versions of Kubernetes, where the validator is installed. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { jobSpec } from '../../../../launch/kubernetes/job.ts';
import { kubernetesObjects } from '../../../../launch/kubernetes/objects.ts';
import { yamlStream } from '../../../../shared/config/write.ts';
import { FULL_REQUEST, SMALL_REQUEST } from '../../../support/kubernetes/request.ts';

const REPO = resolve(import.meta.dirname, '../../../..');
/** A virtual environment with kubernetes-validate; `.ci/run` makes it. */
const { TESSERA_KUBERNETES = join(REPO, '.tessera/kubernetes') } = process.env;
const python = join(TESSERA_KUBERNETES, 'bin/python');
const isThere = existsSync(join(TESSERA_KUBERNETES, 'bin/kubernetes-validate'));
if (!isThere) process.stderr.write('skipped: schemas of Kubernetes, no kubernetes-validate here\n');

const VERSIONS = ['1.33', '1.34', '1.35', '1.36', '1.37'];
const VALIDATE = `
import sys, yaml, kubernetes_validate
for each in yaml.safe_load_all(sys.stdin.read()):
    for version in sys.argv[1:]:
        try:
            kubernetes_validate.validate(each, version, strict=True)
            print('valid', version, each['kind'])
        except kubernetes_validate.ValidationError as error:
            print('INVALID', version, each['kind'], error.message, list(error.path))
`;

/** What the validator says of objects, as Kubernetes reads their text. */
function verdicts(objects: readonly object[]): string[] {
  const { stdout, stderr } = spawnSync(python, ['-c', VALIDATE, ...VERSIONS], {
    input: yamlStream(objects, ['a comment']),
    encoding: 'utf8',
  });
  expect(stderr.replace(/^.*Warning.*\n.*\n/gm, '')).toBe('');
  return stdout.trim().split('\n');
}

/** What is loaded for each version is slow on a busy machine. */
const DEADLINE_MS = 300_000;

it.skipIf(!isThere)(
  'the objects are valid by the schemas of five versions, and a wrong field is found',
  () => {
    const none = { ...SMALL_REQUEST, runVolume: { kind: 'none' } } as const;
    // The schema of a JobSet is not theirs; the Job in it is.
    const inJobSet = {
      ...{ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'digits' } },
      spec: jobSpec({ ...FULL_REQUEST, isJobSet: true }),
    };
    const objects = [
      ...kubernetesObjects(SMALL_REQUEST),
      ...kubernetesObjects(FULL_REQUEST).slice(-1),
      ...kubernetesObjects(none).slice(-1),
      inJobSet,
    ];
    const all = verdicts([...objects, { ...objects[0], datta: {} }]);
    const right = all.slice(0, objects.length * VERSIONS.length);
    expect(right.filter((one) => !one.startsWith('valid'))).toEqual([]);
    const wrong = all.slice(right.length);
    expect(wrong).toHaveLength(VERSIONS.length);
    for (const one of wrong) expect(one).toMatch(/^INVALID .*datta/);
  },
  DEADLINE_MS,
);
