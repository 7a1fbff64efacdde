/** @file Each flag has a variable: what it is called, what it sets, and what is said of one that nothing reads. */
import type { Command } from 'commander';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createProgram } from '../../../cli/program.ts';
import { settingsOf } from '../../../cli/run/settings.ts';
import { type FlagCommand, setByVariables } from '../../../cli/variables/command.ts';
import { strayVariables, switchValue, variableOf } from '../../../cli/variables/names.ts';
import { loadConfig } from '../../../shared/config/load.ts';

afterEach(() => vi.unstubAllEnvs());

/** The command of these words, parsed with variables; what it would do is left out. */
function parsed(words: readonly string[], variables: Readonly<Record<string, string>>): Command {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  const program = createProgram({ ...process.env });
  let command: Command = program;
  for (const each of allUnder(program)) each.action((...given) => (command = given.at(-1)));
  program.parse(words, { from: 'user' });
  return command;
}

function allUnder(command: Command): Command[] {
  return command.commands.flatMap((child) => [child, ...allUnder(child)]);
}

describe('a variable', () => {
  it('is named after its flag, and every flag of every command has one in its help', () => {
    expect(variableOf('run-folder')).toBe('TESSERA_RUN_FOLDER');
    for (const command of allUnder(createProgram({}))) {
      let help = '';
      command.configureOutput({ writeOut: (text) => (help += text) });
      command.outputHelp();
      for (const option of command.options) expect(help).toContain(variableOf(option.name()));
    }
  });

  it('sets its flag, with the same checks; a flag that is typed comes first', () => {
    const variables = {
      TESSERA_WORKERS: '2:8',
      TESSERA_RUN_FOLDER: 'there',
      TESSERA_RESUME: 'auto',
    };
    const command = parsed(['train', 'quickstart', '--run-folder', 'here'], variables);
    expect(command.opts()).toEqual({
      workers: { min: 2, max: 8 },
      runFolder: 'here',
      resume: 'auto',
    });
    expect([...setByVariables(command)]).toEqual(['workers', 'resume']);
    expect(() => parsed(['train', 'quickstart'], { TESSERA_WORKERS: 'many' })).toThrow(
      /from env 'TESSERA_WORKERS' is invalid/,
    );
  });

  it('of a switch says yes or no; an empty one says nothing', () => {
    const switches = { TESSERA_INSECURE: 'false', TESSERA_YES: '1', TESSERA_JSON: '' };
    expect(parsed(['train', 'quickstart'], switches).opts()).toEqual({ yes: true });
    expect(['1', 'true', 'Yes', 'on'].map(switchValue)).toEqual([true, true, true, true]);
    expect(['0', 'false', 'NO', 'off'].map(switchValue)).toEqual([false, false, false, false]);
    expect(() => parsed(['train', 'quickstart'], { TESSERA_INSECURE: 'maybe' })).toThrow(
      /TESSERA_INSECURE is "maybe", neither yes nor no/,
    );
  });

  it('that Kubernetes makes for a Service called tessera is none of ours', () => {
    const links = {
      TESSERA_SERVICE_HOST: '10.0.0.1',
      TESSERA_SERVICE_PORT: '50051',
      TESSERA_SERVICE_PORT_GRPC: '50051',
      TESSERA_PORT: 'tcp://10.0.0.1:50051',
      TESSERA_PORT_50051_TCP: 'tcp://10.0.0.1:50051',
      TESSERA_PORT_50051_TCP_ADDR: '10.0.0.1',
      TESSERA_HEAD_SERVICE_HOST: '10.0.0.2',
      TESSERA_HEAD_PORT: 'tcp://10.0.0.2:1',
    };
    expect(strayVariables(links, ['port'])).toEqual([]);
    expect(parsed(['serve', 'model'], links).opts()).not.toMatchObject({ port: 50051 });
  });

  it('that nothing reads is named, with the one that was meant; those of settings and engines are known', () => {
    const env = {
      TESSERA_RUN_FLODER: 'x',
      TESSERA_SET: 'seed=1',
      TESSERA_ENGINES: 'x',
      TESSERA_QQQQQQQQQQ: 'x',
      OTHER: 'x',
    };
    expect(strayVariables(env, ['run-folder', 'set'])).toEqual([
      'the variable TESSERA_RUN_FLODER means nothing to tessera; is TESSERA_RUN_FOLDER meant?',
      'the variable TESSERA_QQQQQQQQQQ means nothing to tessera',
    ]);
    expect((createProgram(env) as FlagCommand).strays).toHaveLength(2);
  });
});

it('a value of a config that comes from a variable has that origin, below what is typed', async () => {
  const flags = { workers: 3, devices: [0], listen: '127.0.0.1:5', set: ['seed=9'] };
  const sources = settingsOf({ ...flags, setByVariables: new Set(['workers', 'listen']) });
  const env = { TESSERA_SET: 'seed=8,cluster.workers=1' };
  const { config, origins } = await loadConfig('quickstart', { ...sources, env });
  expect(config).toMatchObject({ seed: 9, cluster: { workers: 3, listen: '127.0.0.1:5' } });
  const asked = ['seed', 'cluster.workers', 'cluster.listen', 'compute.devices', 'name'];
  expect(asked.map((path) => origins.get(path))).toEqual(['flag', 'env', 'env', 'flag', 'file']);
  const wrong = settingsOf({ listen: 'nowhere', setByVariables: new Set(['listen']) });
  await expect(loadConfig('quickstart', wrong)).rejects.toThrow(/TESSERA_LISTEN cluster\.listen/);
});
