/** @file Quotas of control groups, from what real systems say of themselves. */
import { describe, expect, it } from 'vitest';
import { grantedCores } from '../../../../shared/machine/cgroup.ts';

interface System {
  readonly groups: string;
  readonly mounts: string;
  /** Files of groups that are there. */
  readonly files: Readonly<Record<string, string>>;
  readonly cores: number;
}

const NONE = Number.POSITIVE_INFINITY;
const V2 =
  '29 22 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw';
const UNIT = '/sys/fs/cgroup/system.slice/train.service';
const TASK = '/sys/fs/cgroup/system.slice/slurmstepd.scope/job_7/step_0/user/task_0';
const KUBE_V1 = '/kubepods/burstable/pod5f/9c1';
const V1 = '/sys/fs/cgroup/cpu,cpuacct';

const SYSTEMS: Readonly<Record<string, System>> = {
  'docker run --cpus 2.5 on version 2: the container sees its own group as the root': {
    groups: '0::/\n',
    mounts:
      '1123 1120 0:31 / /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime - cgroup2 cgroup rw,nsdelegate',
    files: { '/sys/fs/cgroup/cpu.max': '250000 100000\n' },
    cores: 2,
  },
  'docker run --cpus 3 on version 1: the mount shows the group that the list names': {
    groups: '11:memory:/docker/8ab\n4:cpu,cpuacct:/docker/8ab\n1:name=systemd:/docker/8ab\n0::/\n',
    mounts: [
      '700 698 0:50 / /sys/fs/cgroup rw,nosuid - tmpfs tmpfs rw,mode=755',
      `702 700 0:33 /docker/8ab ${V1} ro,nosuid master:15 - cgroup cgroup rw,cpu,cpuacct`,
      '703 700 0:34 /docker/8ab /sys/fs/cgroup/memory ro master:16 - cgroup cgroup rw,memory',
    ].join('\n'),
    files: { [`${V1}/cpu.cfs_quota_us`]: '300000\n', [`${V1}/cpu.cfs_period_us`]: '100000\n' },
    cores: 3,
  },
  'systemd-run -p CPUQuota=200%: the limit lies in the group of the unit': {
    groups: '0::/system.slice/train.service\n',
    mounts: V2,
    files: { [`${UNIT}/cpu.max`]: '200000 100000\n' },
    cores: 2,
  },
  'a slice of 4 cores around a unit of 8: the smaller counts': {
    groups: '0::/system.slice/train.service\n',
    mounts: V2,
    files: {
      '/sys/fs/cgroup/system.slice/cpu.max': '400000 100000\n',
      [`${UNIT}/cpu.max`]: '800000 100000\n',
    },
    cores: 4,
  },
  'a unit without a limit': {
    groups: '0::/system.slice/train.service\n',
    mounts: V2,
    files: {
      '/sys/fs/cgroup/system.slice/cpu.max': 'max 100000\n',
      [`${UNIT}/cpu.max`]: 'max 100000\n',
    },
    cores: NONE,
  },
  'a task of Slurm, whose job has the limit, three levels above': {
    groups: '0::/system.slice/slurmstepd.scope/job_7/step_0/user/task_0\n',
    mounts: V2,
    files: {
      [`${TASK}/cpu.max`]: 'max 100000\n',
      '/sys/fs/cgroup/system.slice/slurmstepd.scope/job_7/cpu.max': '600000 100000\n',
    },
    cores: 6,
  },
  'a task of Slurm on version 1, with a period of its own': {
    groups: '7:cpuset:/slurm/uid_1000/job_7/step_0\n5:cpu,cpuacct:/slurm/uid_1000/job_7/step_0\n',
    mounts: `40 32 0:35 / ${V1} rw,nosuid shared:18 - cgroup cgroup rw,cpu,cpuacct`,
    files: {
      [`${V1}/slurm/uid_1000/job_7/cpu.cfs_quota_us`]: '100000\n',
      [`${V1}/slurm/uid_1000/job_7/cpu.cfs_period_us`]: '50000\n',
      [`${V1}/slurm/uid_1000/job_7/step_0/cpu.cfs_quota_us`]: '-1\n',
      [`${V1}/slurm/uid_1000/job_7/step_0/cpu.cfs_period_us`]: '100000\n',
    },
    cores: 2,
  },
  'a pod of Kubernetes on version 1 with a limit of half a core: one is the least': {
    groups: `9:cpuacct,cpu:${KUBE_V1}\n`,
    mounts: `1780 1770 0:29 ${KUBE_V1} /sys/fs/cgroup/cpuacct,cpu ro - cgroup cgroup rw,cpuacct,cpu`,
    files: {
      '/sys/fs/cgroup/cpuacct,cpu/cpu.cfs_quota_us': '50000\n',
      '/sys/fs/cgroup/cpuacct,cpu/cpu.cfs_period_us': '100000\n',
    },
    cores: 1,
  },
  'a pod of Kubernetes on version 2, its container in a namespace': {
    groups: '0::/\n',
    mounts:
      '2210 2200 0:27 / /sys/fs/cgroup ro,relatime - cgroup2 cgroup rw,nsdelegate,memory_recursiveprot',
    files: { '/sys/fs/cgroup/cpu.max': '1600000 100000\n' },
    cores: 16,
  },
  'both versions at once: cpu is on version 1, the unified tree has none': {
    groups:
      '6:cpu,cpuacct:/user.slice\n1:name=systemd:/user.slice/s.scope\n0::/user.slice/s.scope\n',
    mounts: [
      `33 25 0:28 / ${V1} rw shared:12 - cgroup cgroup rw,cpu,cpuacct`,
      '26 25 0:23 / /sys/fs/cgroup/unified rw shared:5 - cgroup2 cgroup2 rw,nsdelegate',
    ].join('\n'),
    files: {
      [`${V1}/user.slice/cpu.cfs_quota_us`]: '700000',
      [`${V1}/user.slice/cpu.cfs_period_us`]: '100000',
    },
    cores: 7,
  },
  'a namespace within the tree of the host: of the mount only the top is known to be above us': {
    groups: '0::/inner\n',
    mounts: '29 22 0:26 /../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw',
    files: {
      '/sys/fs/cgroup/cpu.max': '500000 100000',
      '/sys/fs/cgroup/inner/cpu.max': '100000 100000',
    },
    cores: 5,
  },
  'a process that was moved out of what its namespace shows: limits there are not its own': {
    groups: '0::/../other\n',
    mounts: '29 22 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw',
    files: { '/sys/fs/cgroup/cpu.max': '100000 100000' },
    cores: NONE,
  },
  'a mount of the group of somebody else whose name begins as ours does': {
    groups: '0::/a/bc\n',
    mounts: '29 22 0:26 /a/b /mnt rw - cgroup2 cgroup2 rw',
    files: { '/mnt/cpu.max': '100000 100000' },
    cores: NONE,
  },
  'a name with a space, which the list of mounts has in octal': {
    groups: '0::/my jobs/one\n',
    mounts: '29 22 0:26 /my\\040jobs /mnt/c\\040g rw - cgroup2 cgroup2 rw',
    files: { '/mnt/c g/one/cpu.max': '300000 100000' },
    cores: 3,
  },
  'a system without control groups, or without Linux': {
    groups: '',
    mounts: '',
    files: {},
    cores: NONE,
  },
  'files that say nothing': {
    groups: '0::/\n',
    mounts: V2,
    files: { '/sys/fs/cgroup/cpu.max': 'nonsense' },
    cores: NONE,
  },
};

describe('a quota', () => {
  it.each(Object.entries(SYSTEMS))('%s', (_, { groups, mounts, files, cores }) => {
    expect(grantedCores({ groups, mounts, read: (path) => files[path] })).toBe(cores);
  });
});
