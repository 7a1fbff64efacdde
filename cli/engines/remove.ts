/** @file `tessera engines remove`: frees the room of an engine. */
import { enginesFolder } from '../../shared/compute/engines/installed.ts';
import { watchShutdown } from '../../shared/machine/shutdown.ts';
import { withEnginesLock } from '../../tools/engines/engines-lock.ts';
import { removeEngine } from '../../tools/engines/remove.ts';
import { printJson, say } from '../terminal/output.ts';

/** Removes an engine. Throws  USAGE when it is not installed; RUN_IN_USE; CANNOT_WRITE. */
export async function runEnginesRemove({
  name,
  json,
}: {
  readonly name: string;
  readonly json?: true;
}): Promise<void> {
  const root = enginesFolder(process.env);
  const shutdown = watchShutdown({ announce: say });
  try {
    const locking = { work: 'engines remove', signal: shutdown.signal, say };
    const folder = await withEnginesLock(root, locking, () => removeEngine(root, name));
    if (json) printJson({ schema: 'engines-remove/1', name, folder });
    else say(`removed ${folder}`);
  } finally {
    shutdown.dispose();
  }
}
