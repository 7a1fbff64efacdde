/**
 * @file The commands of `tessera`, as commander sees them.
 *
 * Only commander and small modules are imported here: `commands/` has flags and help; a command's own file is
 * loaded when it runs, so that `--help` never waits for an engine or gRPC.
 */
import { Command } from 'commander';
import { addCerts } from './commands/certs.ts';
import { addConfig } from './commands/config.ts';
import { addCoordinator } from './commands/coordinator.ts';
import { addDoctor } from './commands/doctor.ts';
import { addEval } from './commands/eval.ts';
import { examples } from './commands/flags.ts';
import { addData, addWeightsGet } from './commands/get.ts';
import { addPlot } from './commands/plot.ts';
import { addPredict } from './commands/predict.ts';
import { addRuns } from './commands/runs.ts';
import { addStatus } from './commands/status.ts';
import { addStop } from './commands/stop.ts';
import { addSummary } from './commands/summary.ts';
import { addTrain } from './commands/train.ts';
import { addWeights } from './commands/weights.ts';
import { addWorker } from './commands/worker.ts';
import { VERSION } from './version.ts';

/** The command line, ready to parse. It throws CommanderErrors instead of exiting. */
export function createProgram(): Command {
  const program = new Command('tessera')
    .description('Train Vision Transformers across machines')
    .version(VERSION, '-V, --version', 'Print the version')
    .helpOption('-h, --help', 'Print this help')
    .helpCommand(false)
    .configureHelp({ helpWidth: 80, subcommandTerm: termOf })
    .exitOverride();
  examples(program, 'A first run, then its state', [
    'tessera train quickstart',
    'tessera status --watch',
  ]);
  addTrain(program);
  addCoordinator(program);
  addWorker(program);
  addStop(program);
  addCerts(program);
  addStatus(program);
  addRuns(program);
  addPlot(program);
  addEval(program);
  addPredict(program);
  addSummary(program);
  addWeightsGet(addWeights(program));
  addData(program);
  addDoctor(program);
  addConfig(program);
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
