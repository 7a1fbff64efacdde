/**
 * @file Every command and flag of `tessera`, as commander sees them.
 *
 * Only commander and small modules are imported here: a command's own file is loaded when it runs, so
 * that `--help` never waits for an engine or gRPC.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import { parseCount, parseDurationMs } from './values.ts';
import { VERSION } from './version.ts';

const GROUPS = { run: 'Train:', look: 'Look:', models: 'Models:', help: 'Help yourself:' } as const;

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
  addStatus(program);
  addEval(program);
  addPredict(program);
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

/** A command; commander hands the manners of its parent down to it. */
function command(parent: Command, usage: string, group: string, description: string): Command {
  return parent.command(usage).description(description).helpGroup(group).helpCommand(false);
}

function examples(target: Command, comment: string, lines: readonly string[]): void {
  const block = lines.map((line) => `  ${line}`).join('\n');
  target.addHelpText('after', `\nExamples:\n  # ${comment}\n${block}`);
}

/** Turns a parser that answers undefined into one that commander reports. */
function checked<T>(parse: (text: string) => T | undefined, expected: string) {
  return (text: string): T => {
    const value = parse(text);
    if (value === undefined) throw new InvalidArgumentError(`expected ${expected}`);
    return value;
  };
}

function collect(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text];
}

const parseCountOption = checked(parseCount, 'a whole number from 1, or auto');

const setOption = () =>
  new Option('--set <key=value>', 'Set a value of the config (may be repeated)').argParser(collect);
const verboseOption = (what = 'Show where in the code an error comes from') =>
  new Option('-v, --verbose', what);
const LOG_MORE = 'Log more, and show where in the code an error comes from';
const jsonOption = () => new Option('--json', 'Print one JSON document on stdout');

/** Options that `train` and `coordinator` share. */
function addRunOptions(target: Command): void {
  target
    .optionsGroup('Run:')
    .addOption(setOption())
    .option('--run-folder <folder>', 'Where the run is recorded (default: runs/NAME-TIME)')
    .option('--resume [run-folder]', 'Go on from the newest checkpoint (default: newest run)')
    .option('--listen <host:port>', 'Address to listen on (default: cluster.listen)')
    .optionsGroup('Output:')
    .addOption(jsonOption())
    .addOption(verboseOption(LOG_MORE));
}

function addTrain(program: Command): void {
  const train = command(
    program,
    'train <config>',
    GROUPS.run,
    'Train on this machine: a coordinator and N workers',
  )
    .optionsGroup('Workers:')
    .addOption(
      new Option(
        '--workers <count>',
        'Worker processes, or auto (default: cluster.workers)',
      ).argParser(parseCountOption),
    );
  addRunOptions(train);
  examples(train, 'Four workers, two epochs', [
    'tessera train quickstart --workers 4 --set training.epochs=2',
  ]);
  train.action(async (config, options) =>
    (await import('./train.ts')).runTrain({ ...options, config }),
  );
}

function addCoordinator(program: Command): void {
  const coordinator = command(
    program,
    'coordinator <config>',
    GROUPS.run,
    'Train with workers that join from elsewhere',
  );
  addRunOptions(coordinator);
  examples(coordinator, 'On a private network; workers join it by its address', [
    'tessera coordinator quickstart --listen 10.0.0.1:50051',
    'tessera worker 10.0.0.1:50051',
  ]);
  coordinator.action(async (config, options) =>
    (await import('./coordinator.ts')).runCoordinator({ ...options, config }),
  );
}

function addWorker(program: Command): void {
  const worker = command(program, 'worker <host:port>', GROUPS.run, 'Join a run as one more worker')
    .optionsGroup('Compute:')
    .addOption(
      new Option(
        '--threads <count>',
        "Threads on CPU, or auto (default: the run's choice)",
      ).argParser(parseCountOption),
    )
    .addOption(
      new Option('--engine <name>', "What runs the step (default: the run's choice)").choices([
        'auto',
        'onnxruntime',
        'tfjs-node-gpu',
        'tfjs-node',
        'tfjs-cpu',
      ]),
    )
    .addOption(
      new Option('--provider <name>', 'Execution provider of onnxruntime').choices([
        'auto',
        'cpu',
        'webgpu',
        'cuda',
      ]),
    )
    .optionsGroup('Run:')
    .option('--name <name>', 'Name for people (default: given by the coordinator)')
    .option('--data-path <folder>', 'Read the data set here instead of where the config says')
    .addOption(
      new Option(
        '--reconnect <duration>',
        'How long to look for a coordinator that is gone',
      ).argParser(checked(parseDurationMs, 'a duration with its unit such as 500ms, 30s or 2m')),
    )
    .addOption(new Option('--parent', 'End when stdin closes').hideHelp())
    .optionsGroup('Output:')
    .addOption(verboseOption(LOG_MORE));
  examples(worker, 'Two threads, and patience with a coordinator that restarts', [
    'tessera worker 10.0.0.1:50051 --threads 2 --reconnect 10m',
  ]);
  worker.action(async (address, options) =>
    (await import('./worker.ts')).runWorker({ ...options, address }),
  );
}

function addStatus(program: Command): void {
  const status = command(
    program,
    'status [host:port]',
    GROUPS.look,
    'Show a run and its workers (default: the newest run here)',
  )
    .option('--watch', 'Show it again every second until the run ends')
    .addOption(jsonOption())
    .addOption(verboseOption());
  examples(status, 'Follow the newest run of this folder', ['tessera status --watch']);
  status.action(async (address, options) =>
    (await import('./status.ts')).runStatus({ ...options, address }),
  );
}

function addEval(program: Command): void {
  const evaluate = command(
    program,
    'eval <run-or-checkpoint>',
    GROUPS.models,
    'Loss and accuracy of a checkpoint on the test images',
  )
    .addOption(setOption())
    .addOption(jsonOption())
    .addOption(verboseOption());
  examples(evaluate, 'The newest checkpoint of a run', [
    'tessera eval runs/quickstart-20260101-120000',
  ]);
  evaluate.action(async (checkpoint, options) =>
    (await import('./eval.ts')).runEval({ ...options, checkpoint }),
  );
}

function addPredict(program: Command): void {
  const predict = command(program, 'predict <image...>', GROUPS.models, 'Name what images show')
    .requiredOption('--checkpoint <run-or-checkpoint>', 'Run folder, checkpoint folder or file')
    .addOption(
      new Option('--top <count>', 'Classes to show for each image')
        .argParser(
          checked((text) => {
            const count = parseCount(text);
            return count === 'auto' ? undefined : count;
          }, 'a whole number from 1'),
        )
        .default(5),
    )
    .addOption(jsonOption())
    .addOption(verboseOption());
  examples(predict, 'The three best guesses for each photo', [
    'tessera predict photos/*.jpg --checkpoint runs/food-20260101-120000 --top 3',
  ]);
  predict.action(async (images, options) =>
    (await import('./predict.ts')).runPredict({ ...options, images }),
  );
}

function addDoctor(program: Command): void {
  const doctor = command(program, 'doctor', GROUPS.help, 'Show what works on this machine')
    .addOption(jsonOption())
    .addOption(verboseOption());
  examples(doctor, 'A block to paste into a bug report', ['tessera doctor']);
  doctor.action(async (options) => (await import('./doctor.ts')).runDoctor(options));
}

function addConfig(program: Command): void {
  const config = command(program, 'config', GROUPS.help, 'Look at and check configs');
  const show = command(
    config,
    'show [config]',
    'Commands:',
    'Every value of a config; without one, every option there is',
  )
    .option('--origin', 'Say where each value comes from')
    .addOption(setOption())
    .addOption(jsonOption())
    .addOption(verboseOption());
  examples(show, 'What a run would use, and why', ['tessera config show quickstart --origin']);
  show.action(async (name, options) =>
    (await import('./config.ts')).showConfig({ ...options, config: name }),
  );
  const check = command(
    config,
    'check <config...>',
    'Commands:',
    'Say whether configs are sound',
  ).addOption(verboseOption());
  examples(check, 'Every config of a folder', ['tessera config check configs/*.yaml']);
  check.action(async (names) => (await import('./config.ts')).checkConfigs(names));
}
