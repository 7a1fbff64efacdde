/** @file The command line before any work: quick help, usage errors, exit codes. */
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { scratchFolder, tessera } from '../support/cluster.ts';

const scratch = scratchFolder();

/** Addresses of the modules that a process has loaded, by V8's own record. */
async function modulesLoadedBy(args: readonly string[]): Promise<readonly string[]> {
  const folder = mkdtempSync(join(scratch, 'coverage-'));
  const ended = await tessera(args, { env: { NODE_V8_COVERAGE: folder } });
  expect(ended.code, ended.stderr).toBe(0);
  return readdirSync(folder).flatMap((name) => {
    const record = JSON.parse(readFileSync(join(folder, name), 'utf8'));
    return (record.result as { url: string }[]).map((script) => script.url);
  });
}

describe('help is quick', () => {
  it.each([['--help'], ['--version'], ['train --help'], ['worker --help']])(
    '%s loads commander and little else',
    async (words) => {
      const modules = await modulesLoadedBy(words.split(' '));
      expect(modules.some((url) => url.includes('/commander/'))).toBe(true);
      const libraries = /node_modules.*(tfjs|grpc|onnx|sharp|pino|zod|yaml)/;
      expect(modules.filter((url) => libraries.test(url))).toEqual([]);
      // A small file for each command's flags, and nothing of what the commands do.
      const own = modules.filter((url) => url.startsWith('file:') && !url.includes('node_modules'));
      const isLight = [
        /\/cli\/(main|command-line|program|[a-z]+\/([a-z]+\/|[a-z]+-)?flags?|variables\/(command|names)|terminal\/(output|streams|flag-values|command-text|manners)|completion\/shells|plot\/axis)\.js$/,
        // How a time is typed.
        /\/launch\/slurm\/time\.js$/,
        /\/shared\/core\//,
        /\/shared\/machine\/(entry|run-process|shutdown|version|debugger|closed-stream|heap)\.js$/,
        // Which folder a line is typed in.
        /\/shared\/files\/near-path\.js$/,
        // Names for a flag.
        /\/tools\/(estimate\/devices|pictures\/figure1-parts)\.js$/,
        // What an engine is called, not the engine.
        /\/shared\/compute\/engines\/(abilities|registry|onnxruntime|tfjs|xla)\.js$/,
        /\/shared\/model\/precision\.js$/,
      ];
      const isHeavy = (url: string) => !isLight.some((light) => light.test(url));
      expect(own.filter(isHeavy)).toEqual([]);
    },
  );
});

describe('usage', () => {
  it.each([
    ['', 'no command', /Usage: tessera/],
    ['config', 'no subcommand', /Usage: tessera config/],
    ['trian quickstart', 'a command that is not there', /Did you mean train/],
    ['train', 'neither a config nor a run', /give a config, such as quickstart, or --resume RUN/],
    ['train quickstart --worker 2', 'an unknown flag', /Did you mean --workers/],
    ['train quickstart --workers two', 'a count that is none', /expected a whole number/],
    ['worker 127.0.0.1:1 --reconnect 30', 'a duration without a unit', /unit such as 500ms/],
    [
      'status nowhere',
      'neither a run nor an address',
      /no run nowhere[\s\S]*runs list[\s\S]*HOST:PORT/,
    ],
    ['stop localhost', 'an address without a port', /no run localhost[\s\S]*HOST:PORT/],
  ])('"%s" (%s) ends with 2 and says so on stderr', async (words, _what, expected) => {
    const ended = await tessera(words === '' ? [] : words.split(' '), { cwd: scratch });
    expect(ended.code).toBe(2);
    expect(ended.stderr).toMatch(expected);
    expect(ended.stdout).toBe('');
  });

  it('--version is one line on stdout', async () => {
    const ended = await tessera(['--version']);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toMatch(/^\d+\.\d+\.\d+\S*\n$/);
  });
});
