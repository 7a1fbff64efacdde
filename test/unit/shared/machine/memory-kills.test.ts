/** @file The kernel's counters of processes that it killed for lack of memory. */
import { describe, expect, it } from 'vitest';
import { memoryKills } from '../../../../shared/machine/memory-kills.ts';

const V2 = '29 22 0:26 / /sys/fs/cgroup rw shared:9 - cgroup2 cgroup2 rw';
const V1 = '35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory';
const UNIT = '/sys/fs/cgroup/system.slice/train.service';
const EVENTS = 'low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n';
const GIB = 1024 ** 3;

describe('memory kills', () => {
  it.each<[string, string, string, Record<string, string>, ReturnType<typeof memoryKills>]>([
    [
      'of a unit below a slice that has the limit',
      '0::/system.slice/train.service\n',
      V2,
      {
        '/sys/fs/cgroup/system.slice/memory.max': `${2 * GIB}\n`,
        [`${UNIT}/memory.max`]: 'max\n',
        [`${UNIT}/memory.events`]: EVENTS,
      },
      { kills: 2, isOurs: true, limitBytes: 2 * GIB },
    ],
    [
      'of our group, not of those below it',
      '0::/\n',
      V2,
      {
        '/sys/fs/cgroup/memory.events': EVENTS,
        '/sys/fs/cgroup/memory.events.local': 'oom 1\noom_kill 1\n',
      },
      { kills: 1, isOurs: true, limitBytes: Number.POSITIVE_INFINITY },
    ],
    [
      'on version 1, whose largest number is no limit',
      '4:memory:/jobs/7\n0::/\n',
      V1,
      {
        '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
        '/sys/fs/cgroup/memory/jobs/7/memory.limit_in_bytes': `${GIB}\n`,
        '/sys/fs/cgroup/memory/jobs/7/memory.oom_control':
          'oom_kill_disable 0\nunder_oom 0\noom_kill 5\n',
      },
      { kills: 5, isOurs: true, limitBytes: GIB },
    ],
    [
      'of the machine, where no group counts',
      '0::/\n',
      V2,
      { '/proc/vmstat': 'nr_free_pages 1\noom_kill 4\n' },
      { kills: 4, isOurs: false, limitBytes: Number.POSITIVE_INFINITY },
    ],
    ['of a system that counts none', '', '', {}, undefined],
  ])('%s', (_what, groups, mounts, files, expected) => {
    expect(memoryKills({ groups, mounts, read: (path) => files[path] })).toEqual(expected);
  });
});
