/** @file How processes end that have a PJRT plugin loaded. */
import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { buildBadPlugin, installBadEngine, lacksBadPlugin } from '../support/bad-plugin.ts';
import { temporaryFolder, writeFiles } from '../support/data.ts';
import { lacksXlaCpu, XLA_CPU } from '../support/xla.ts';

const ENGINES = resolve(import.meta.dirname, '../../dist/shared/compute/engines');
const BINDING = join(ENGINES, 'xla');

/** How a process ends that loads a plugin and opens its devices in `where`. */
async function ending(plugin: string, where: 'the process' | 'a thread'): Promise<string> {
  const folder = await temporaryFolder();
  const open = join(folder, 'open.mjs');
  const thread = join(folder, 'thread.mjs');
  await writeFiles(folder, {
    'open.mjs': `import { Plugin } from '${BINDING}/plugin.js';
      import { Client } from '${BINDING}/client.js';
      new Client(new Plugin('${plugin}'));`,
    'thread.mjs': `import { Worker } from 'node:worker_threads'; new Worker('${open}');`,
  });
  return promisify(execFile)(process.execPath, [where === 'a thread' ? thread : open]).then(
    () => 'exit code 0',
    ({ code, signal }) => `${signal ?? `exit code ${code}`}`,
  );
}

describe.skipIf(lacksXlaCpu('how processes with a plugin end'))('a process with a plugin', () => {
  it.each(['the process', 'a thread'] as const)('ends well, loaded by %s', async (where) => {
    expect(await ending(XLA_CPU as string, where)).toBe('exit code 0');
  });

  it('does not read flags of XLA, of which an unknown one aborts, and says so', async () => {
    const args = [join(ENGINES, 'probe.js'), JSON.stringify({ id: 'xla-cpu', threads: 1 })];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, {
      env: { ...process.env, XLA_FLAGS: '--xla_no_such_flag=1' },
    });
    expect(JSON.parse(stdout)).toMatchObject({ works: true, reason: 'xla-cpu, 1 x cpu' });
    expect(stderr).toContain('XLA_FLAGS is not used');
  });
});

describe.skipIf(lacksBadPlugin('aborts of plugins'))('a plugin that aborts', () => {
  it('takes its process along', async () => {
    const path = buildBadPlugin(await temporaryFolder(), { kind: 'Client_Create' });
    expect(await ending(path, 'the process')).toBe('SIGABRT');
  });
  it('is found out by a trial in a process of its own', async () => {
    const folder = await temporaryFolder();
    installBadEngine(folder, { kind: 'LoadedExecutable_Execute' });
    await writeFiles(folder, {
      'choose.mjs': `import { chooseEngine } from '${ENGINES}/choose.js';
        const request = { engine: 'xla', provider: 'cpu', threads: 1 };
        const error = await chooseEngine(request, 1).catch((error) => error);
        console.log(error.sentence);`,
    });
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'choose.mjs')], {
      env: { ...process.env, TESSERA_ENGINES: folder },
    });
    expect(stdout).toBe('engine xla (cpu) does not work here: its trial run ended with SIGABRT\n');
  });
});
