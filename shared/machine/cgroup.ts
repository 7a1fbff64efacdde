/**
 * @file The control groups around a process, and how many cores they grant it, by quota. Pure.
 *
 * A group lies below others, and each may have a limit: the smallest counts. Which folders those are follows from the
 * kernel's two lists, `/proc/self/cgroup` (where we are) and `/proc/self/mountinfo` (what of it can be seen, and where):
 * in a container the two differ.
 * Source  cgroups(7), cgroup_namespaces(7), proc_pid_mountinfo(5); the kernel's admin-guide/cgroup-v1 and cgroup-v2.
 */

/** What the kernel says about this process. */
export interface CgroupTexts {
  /** `/proc/self/cgroup`. */
  readonly groups: string;
  /** `/proc/self/mountinfo`. */
  readonly mounts: string;
  /** Content of a file of a group; undefined where there is none. */
  read(path: string): string | undefined;
}

/** Cores that the quotas of all groups around this process grant, at least 1; Infinity without a limit. */
export function grantedCores(texts: CgroupTexts): number {
  const limits = groupsAround(texts, 'cpu').flatMap(({ version, folders }) => {
    const quota = version === 1 ? quotaOfVersion1 : quotaOfVersion2;
    return folders.map((folder) => quota(folder, texts.read));
  });
  return Math.max(1, Math.floor(Math.min(Number.POSITIVE_INFINITY, ...limits)));
}

/** What a hierarchy limits. */
export type Controller = 'cpu' | 'memory';

/** The groups around a process in one hierarchy. */
export interface GroupsAround {
  readonly version: 1 | 2;
  /** The process's own group first, where it can be seen; then those above it. */
  readonly folders: readonly string[];
}

/** The groups around this process whose files may have limits of `controller`, one entry a hierarchy. */
export function groupsAround(
  { groups, mounts }: CgroupTexts,
  controller: Controller,
): readonly GroupsAround[] {
  return mountsOf(mounts, controller).flatMap((mount) => {
    const path = groupOf(groups, mount.version, controller);
    const folders = path === undefined ? [] : foldersAround(mount, path);
    return folders.length === 0 ? [] : [{ version: mount.version, folders }];
  });
}

/** A hierarchy that can be seen: `root` is the group that lies at `folder`. */
interface CgroupMount {
  readonly version: 1 | 2;
  readonly root: string;
  readonly folder: string;
}

/** The mounts that may have limits: version 2, and version 1 with the controller. */
function mountsOf(mountinfo: string, controller: Controller): readonly CgroupMount[] {
  return mountinfo.split('\n').flatMap((line): CgroupMount[] => {
    // Optional fields of any number stand before the lone hyphen.
    const [, root, folder, type, options] =
      /^\d+ \d+ \S+ (\S+) (\S+) .*? - (\S+) \S+ (\S+)/.exec(line) ?? [];
    if (root === undefined || folder === undefined) return [];
    const place = { root: unescaped(root), folder: unescaped(folder) };
    if (type === 'cgroup2') return [{ version: 2, ...place }];
    const hasIt = type === 'cgroup' && options?.split(',').includes(controller);
    return hasIt ? [{ version: 1, ...place }] : [];
  });
}

/** Spaces and the like are octal in the kernel's lists. */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}

/** Our group in the hierarchy of a controller. Lines are `NUMBER:CONTROLLERS:PATH`, `0::PATH` for version 2. */
function groupOf(groups: string, version: 1 | 2, controller: Controller): string | undefined {
  for (const line of groups.split('\n')) {
    const [, number, controllers, path] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    const isVersion2 = number === '0' && controllers === '';
    const isIt = version === 2 ? isVersion2 : controllers?.split(',').includes(controller);
    if (isIt) return path;
  }
  return undefined;
}

/** The folders of our group and of those above it, as far as a mount shows them. */
function foldersAround({ root, folder }: CgroupMount, path: string): readonly string[] {
  const [above, ours] = [placeOf(root), placeOf(path)];
  // Seen from our namespace the mount begins higher: its top is above us, and how we are called there is not known.
  if (above.levelsUp > ours.levelsUp) return above.names.length === 0 ? [folder] : [];
  const isAround =
    above.levelsUp === ours.levelsUp && above.names.every((name, at) => ours.names[at] === name);
  if (!isAround) return [];
  const below = ours.names.slice(above.names.length);
  const top = folder.replace(/\/$/, '');
  return [below.length, ...below.keys()].map((count) => [top, ...below.slice(0, count)].join('/'));
}

/** A group as the kernel writes it: `/../..` at its beginning are levels above the root of our namespace. */
function placeOf(path: string): { readonly levelsUp: number; readonly names: readonly string[] } {
  const names = path.split('/').filter((name) => name !== '');
  const levelsUp = names.findIndex((name) => name !== '..');
  if (levelsUp === -1) return { levelsUp: names.length, names: [] };
  return { levelsUp, names: names.slice(levelsUp) };
}

type Quota = (folder: string, read: CgroupTexts['read']) => number;

/** `cpu.max`: quota and period ("200000 100000" are 2 cores), or "max" for no limit. */
const quotaOfVersion2: Quota = (folder, read) => {
  const [quota = '', period = ''] = (read(`${folder}/cpu.max`) ?? '').trim().split(/\s+/);
  return ratio(quota, period);
};

/** Quota and period, in one file each; a quota of -1 means no limit. */
const quotaOfVersion1: Quota = (folder, read) =>
  ratio(read(`${folder}/cpu.cfs_quota_us`) ?? '', read(`${folder}/cpu.cfs_period_us`) ?? '');

/** Units  cores. Anything but two positive numbers means no limit. */
function ratio(quota: string, period: string): number {
  const cores = Number(quota) / Number(period);
  return cores > 0 ? cores : Number.POSITIVE_INFINITY;
}
