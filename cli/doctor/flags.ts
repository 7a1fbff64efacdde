/** @file Flags and help of `tessera doctor`. */
import { type Command, Option } from 'commander';
import { addClientSecurity } from '../connect/flags.ts';
import {
  addCommand,
  examples,
  GROUPS,
  jsonOption,
  notes,
  parseWholeCount,
  setOption,
  verboseOption,
} from '../terminal/flags.ts';
import { typedFlags } from '../variables/command.ts';

/** Adds `tessera doctor`. */
export function addDoctor(program: Command): void {
  const doctor = addCommand(
    program,
    'doctor [address]',
    GROUPS.help,
    'Show what works on this machine, or on the way to a coordinator',
  );
  addClientSecurity(doctor);
  doctor
    .addOption(
      new Option('--role <role>', 'What the credential has to be good for').choices([
        'worker',
        'operator',
      ]),
    )
    .optionsGroup('What the way means for a step:')
    .option('--config <config>', 'A config, with workers of the kind that is here')
    .addOption(setOption())
    .option('--device <name>', 'A device that is not here (see tessera estimate)')
    .addOption(
      new Option('--classes <count>', 'Number of classes, if the data is not here').argParser(
        parseWholeCount,
      ),
    )
    .addOption(
      new Option('--samples <count>', 'Training images, if the data is not here').argParser(
        parseWholeCount,
      ),
    )
    .optionsGroup('Output:')
    .addOption(jsonOption())
    .addOption(verboseOption());
  examples(doctor, 'A block to paste into a bug report; the way from a worker to its coordinator', [
    'tessera doctor',
    'tessera doctor 10.0.0.1:50051 --certs certs/worker --config quickstart',
  ]);
  notes(doctor, [
    'With an address it checks, in this order: credentials, name, TCP, large',
    'packets, TLS, authority, role, version, round trip, bandwidth. It ends with 1',
    'at the first that does not work. It moves 43 MB at most, and changes no run.',
  ]);
  doctor.action(async (address, options, command) => {
    const typed = typedFlags(command);
    if (address === undefined) await (await import('./doctor.ts')).runDoctor({ ...options, typed });
    else process.exitCode = await (await import('./way.ts')).runWayDoctor({ ...options, address });
  });
}
