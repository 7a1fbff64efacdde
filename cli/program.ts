/**
 * @file The commands of `tessera`, as commander sees them.
 *
 * Only commander and small modules are imported here: `flags.ts` of a command has its flags and help; the rest of it is
 * loaded when it runs, so that `--help` never waits for an engine or gRPC.
 */
import type { Command } from 'commander';
import { VERSION } from '../shared/machine/version.ts';
import { addBoard } from './board/flags.ts';
import { addCerts } from './certs/flags.ts';
import { addCompletion } from './completion/flags.ts';
import { addConfig } from './config/flags.ts';
import { addCoordinator } from './coordinator/flags.ts';
import { addDoctor } from './doctor/flags.ts';
import { addEngines } from './engines/flags.ts';
import { addEstimate } from './estimate/flags.ts';
import { addEval } from './eval/flags.ts';
import { addExport } from './export/flags.ts';
import { addFind } from './find/flags.ts';
import { addData, addWeightsGet } from './get/flags.ts';
import { addHelp } from './help/flags.ts';
import { addInit } from './init/flags.ts';
import { addLaunch } from './launch/flags.ts';
import { addLogs } from './logs/flags.ts';
import { addMan } from './man/flags.ts';
import { addPlot } from './plot/flags.ts';
import { addPredict } from './predict/flags.ts';
import { addRuns } from './runs/flags.ts';
import { addServe } from './serve/flags.ts';
import { addStatus } from './status/flags.ts';
import { addStop } from './stop/flags.ts';
import { addSummary } from './summary/flags.ts';
import { addManners, examples } from './terminal/flags.ts';
import { setManners } from './terminal/manners.ts';
import { say, warning } from './terminal/output.ts';
import { addTrace } from './trace/flags.ts';
import { addTrain } from './train/flags.ts';
import { addUp } from './up/flags.ts';
import { FlagCommand } from './variables/command.ts';
import { addWeights } from './weights/flags.ts';
import { addWorker } from './worker/flags.ts';

/** The command line, ready to parse. It throws CommanderErrors instead of exiting. */
export function createProgram(env: Readonly<NodeJS.ProcessEnv> = process.env): Command {
  const program = new FlagCommand('tessera', env)
    .description('Train Vision Transformers across machines')
    .version(VERSION, '-V, --version', 'Print the version')
    .helpOption('-h, --help', 'Print this help')
    .helpCommand(false)
    .configureHelp({ helpWidth: 80, subcommandTerm: termOf })
    .exitOverride()
    .hook('preAction', (all, command) => {
      (command as FlagCommand).checkVariables();
      setManners(command.opts());
      for (const sentence of (all as FlagCommand).strays) say(warning(sentence));
    });
  examples(program, 'A folder of photos; a first run without any, and its state', [
    'tessera train photos',
    'tessera train quickstart',
    'tessera status --watch',
  ]);
  addTrain(program);
  addInit(program);
  addFind(program);
  addUp(program);
  addLaunch(program);
  addCoordinator(program);
  addWorker(program);
  addStop(program);
  addCerts(program);
  addStatus(program);
  addEstimate(program);
  addRuns(program);
  addBoard(program);
  addLogs(program);
  addTrace(program);
  addPlot(program);
  addEval(program);
  addPredict(program);
  addServe(program);
  addExport(program);
  addSummary(program);
  addWeightsGet(addWeights(program));
  addData(program);
  addDoctor(program);
  addEngines(program);
  addConfig(program);
  addCompletion(program);
  addMan(program);
  addHelp(program);
  addManners(program);
  return program;
}

/** A command and its arguments; that options exist goes without saying. */
function termOf(command: Command): string {
  const words = command.registeredArguments.map((argument) => {
    const name = argument.variadic ? `${argument.name()}...` : argument.name();
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return [command.name(), ...words].join(' ');
}
