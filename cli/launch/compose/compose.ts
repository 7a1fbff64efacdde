/** @file `tessera launch compose`: a file for Docker Compose, on stdout. */
import { composeFile } from '../../../launch/compose/compose.ts';
import { yamlStream } from '../../../shared/config/write.ts';
import { VERSION } from '../../../shared/machine/version.ts';
import { pointer, print, say, warning } from '../../terminal/output.ts';
import { type ContainerFlags, containersOf, requirePrint } from '../containers/containers.ts';

/** Flags of `launch compose`. */
export interface ComposeFlags extends ContainerFlags {
  readonly runFolder?: string;
}

/** Of an image's own user, where the caller is root or has no number. */
const USER = 1000;

/** Prints the file. Throws  USAGE, CONFIG_INVALID. */
export async function launchCompose(flags: ComposeFlags): Promise<void> {
  requirePrint(flags, 'write it into a file: ... --print > compose.yaml; then docker compose up');
  const { runFolder = './runs' } = flags;
  const user = { uid: process.getuid?.() || USER, gid: process.getgid?.() || USER };
  const request = { ...(await containersOf(flags)), user, runFolder };
  say(pointer('containers', `${request.nodes} of user ${user.uid}:${user.gid}`));
  say(pointer('run folder', runFolder));
  say(warning(`make ${runFolder} first: that user must be able to write there`));
  print(
    yamlStream([composeFile(request)], heading(runFolder))
      .trimEnd()
      .split('\n'),
  );
}

function heading(runFolder: string): readonly string[] {
  return [
    `Made by tessera ${VERSION}, launch compose, for Docker Compose 2.23.1 or later.`,
    '',
    `start    mkdir -p ${runFolder} && docker compose -f FILE up`,
    'end      docker compose -f FILE down      (saved; up again continues)',
  ];
}
