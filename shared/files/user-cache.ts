/** @file The folder of the user's cache: what was downloaded once and can be fetched again. */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** Tessera's part of the user's cache: below XDG_CACHE_HOME, else ~/.cache. */
export function userCache(env: Readonly<NodeJS.ProcessEnv>, accountHome = homedir): string {
  const wanted = env['XDG_CACHE_HOME'] ?? '';
  // The XDG specification has relative paths ignored.
  const root = isAbsolute(wanted) ? wanted : join(userHome(env, accountHome), '.cache');
  return join(root, 'tessera');
}

/** The user's home; the current folder for a user without one, as any number may be in a container. */
export function userHome(env: Readonly<NodeJS.ProcessEnv>, accountHome = homedir): string {
  try {
    return env['HOME'] || accountHome();
  } catch {
    return '.';
  }
}
