/** @file Flags and help of `tessera worker`. */
import { type Command, Option } from 'commander';
import { ENGINE_NAMES, PROVIDER_NAMES } from '../../shared/compute/engines/registry.ts';
import { addClientSecurity } from '../connect/flags.ts';
import {
  addCommand,
  examples,
  GROUPS,
  LOG_MORE,
  parseCountOrAuto,
  parseDevices,
  parseDuration,
  parseRestarts,
  verboseOption,
} from '../terminal/flags.ts';

/** Adds `tessera worker`. */
export function addWorker(program: Command): void {
  const worker = addCommand(
    program,
    'worker <host:port>',
    GROUPS.run,
    'Join a run as one more worker',
  )
    .optionsGroup('Compute:')
    .addOption(
      new Option(
        '--threads <count>',
        "Threads on CPU, or auto (default: the run's choice)",
      ).argParser(parseCountOrAuto),
    )
    .addOption(
      new Option('--engine <name>', "What runs the step (default: the run's choice)").choices(
        ENGINE_NAMES,
      ),
    )
    .addOption(
      new Option('--provider <name>', 'Execution provider of onnxruntime').choices(PROVIDER_NAMES),
    )
    .addOption(
      new Option(
        '--devices <numbers>',
        "GPUs, or shares of the threads on CPU, such as 0,1,3 (default: the run's choice)",
      ).argParser(parseDevices),
    )
    .addOption(
      new Option(
        '--decoders <count>',
        "Threads that decode images, or auto (default: the run's choice)",
      ).argParser(parseCountOrAuto),
    )
    .optionsGroup('Run:')
    .option('--name <name>', 'Name for people (default: given by the coordinator)')
    .option('--data-path <folder>', 'Read the data set here instead of where the config says')
    .addOption(
      new Option(
        '--reconnect <duration>',
        'How long to look for a coordinator that is gone',
      ).argParser(parseDuration),
    )
    .addOption(
      new Option(
        '--restarts <count>',
        'Starts after an engine took the process down (default: 3)',
      ).argParser(parseRestarts),
    );
  addClientSecurity(worker);
  worker.optionsGroup('Output:').addOption(verboseOption(LOG_MORE));
  examples(worker, 'Two threads, and patience with a coordinator that restarts', [
    'tessera worker 10.0.0.1:50051 --certs certs/worker --threads 2 \\',
    '  --reconnect 10m',
  ]);
  worker.action(async (address, options) => {
    process.exitCode = await (await import('./worker.ts')).runWorker({ ...options, address });
  });
}
