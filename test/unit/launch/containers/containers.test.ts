/** @file What containers are given: names, volumes, the places of inputs, time to save. */
import { describe, expect, it } from 'vitest';
import { composeFile } from '../../../../launch/compose/compose.ts';
import { graceSeconds } from '../../../../launch/containers/grace.ts';
import { containerInputs } from '../../../../launch/containers/inputs.ts';
import { givenName, labelOf } from '../../../../launch/containers/names.ts';
import { givenVolumes } from '../../../../launch/containers/volumes.ts';
import { loadConfig } from '../../../../shared/config/load.ts';
import { FULL_REQUEST } from '../../../support/kubernetes/request.ts';

describe('a name for DNS', () => {
  it.each([
    ['quickstart', 'quickstart'],
    ['My_Run.v2', 'my-run-v2'],
    ['16x16', 'run-16x16'],
    [`${'a'.repeat(39)}..b`, 'a'.repeat(39)],
  ])('of %s is %s', (name, label) => {
    expect(labelOf(name)).toBe(label);
    expect(givenName(label)).toBe(label);
  });

  it.each(['', 'Upper', '1st', 'a-', 'a.b', 'a'.repeat(41)])('is refused: %s', (name) => {
    expect(() => givenName(name)).toThrow(/is not a name for DNS/);
  });
});

describe('a volume', () => {
  it('is SOURCE:PATH, also read-only', () => {
    expect(givenVolumes(['a:/x/', './b:/y:ro'])).toEqual([
      { source: 'a', path: '/x', isReadOnly: false },
      { source: './b', path: '/y', isReadOnly: true },
    ]);
  });

  it.each([['a'], ['a:x'], ['a:/'], [':/x'], ['a:/x:rx'], ['a:/x', 'b:/x'], ['a:/tessera/join/x']])(
    'is refused: %s %s',
    (...texts) => {
      expect(() => givenVolumes(texts)).toThrow(/--volume/);
    },
  );
});

describe('an input of a config', () => {
  const input = { option: 'data.path', kind: 'data', path: '/here', isThere: true } as const;
  const volumes = givenVolumes(['photos:/tessera/data']);
  const place = (given: string, isOfFile: boolean, name?: string) =>
    containerInputs({
      inputs: [{ ...input, given, lookedIn: [], ...(name !== undefined && { name }) }],
      volumes,
      isOfFile: () => isOfFile,
    })[0];

  it('is in a volume, in the image, or in the catalogue', () => {
    expect(place('/tessera/data/val', true)).toMatchObject({ volume: { source: 'photos' } });
    expect(place('data/val', false)).toMatchObject({ place: '/tessera/data/val' });
    expect(place('/tessera/database', true)).toMatchObject({ volume: undefined, isKnown: false });
    expect(place('cifar10', true, 'cifar10')).toMatchObject({ place: 'cifar10', isKnown: true });
  });

  it('is not beside the config file, which has a folder of its own there', () => {
    expect(() => place('photos', true)).toThrow(/beside the config file/);
  });
});

it('a container has more time to end than two saves take', async () => {
  const small = await loadConfig('quickstart', { env: {} });
  expect(graceSeconds(small.config)).toBe(60);
  const set = ['model.variant=H/14', 'model.imageSize=224'];
  const large = await loadConfig('vit-b16-imagenet', { set, env: {} });
  // 632 million parameters, 16 bytes each, at 50 MB a second: 202 s a save.
  expect(graceSeconds(large.config)).toBeGreaterThan(2 * 202);
});

describe('a file for Docker Compose', () => {
  const user = { uid: 1001, gid: 1002 };
  const file = composeFile({ ...FULL_REQUEST, config: 'name: $HOME\n', user, runFolder: './r$x' });

  it('has a container a node, which find each other by name, with GPUs of their own', () => {
    expect(Object.keys(file.services)).toEqual(['node0', 'node1', 'node2', 'node3']);
    expect(file.services['node1']).toMatchObject({
      hostname: 'node1',
      user: '1001:1002',
      read_only: true,
      stop_grace_period: '60s',
      deploy: { resources: { reservations: { devices: [{ device_ids: ['2', '3'] }] } } },
    });
    const { command = [] } = file.services['node1'] ?? {};
    expect(command.join(' ')).toContain('--nodes node0,node1,node2,node3 --port 50051');
  });

  it('keeps Compose from putting variables in', () => {
    expect(file.configs.config.content).toBe('name: $$HOME\n');
    expect(file.services['node0']?.command).toContain('name=$$(HOME)');
    expect(file.services['node0']?.volumes).toContainEqual(
      expect.objectContaining({ source: './r$$x', target: '/tessera/runs' }),
    );
  });
});
