/** @file Flags and help of `tessera launch kubernetes`. */
import { type Command, Option } from 'commander';
import {
  addCommand,
  examples,
  notes,
  parseSize,
  parseWholeCount,
  verboseOption,
} from '../../terminal/flags.ts';
import { addContainerFlags } from '../containers/flags.ts';

/** Adds `tessera launch kubernetes`. */
export function addLaunchKubernetes(launch: Command): void {
  const kubernetes = addCommand(
    launch,
    'kubernetes <config>',
    'Commands:',
    'Print a Job, its Service and its keys',
  );
  addContainerFlags(kubernetes, 'claim')
    .optionsGroup('Kubernetes:')
    .option('--namespace <name>', 'Namespace (default: that of kubectl)')
    .option(
      '--run-claim <name>',
      'Claim for the run folder, or none: the disk of the pod (default: a new one)',
    )
    .addOption(
      new Option('--storage <size>', 'Size of a new claim')
        .argParser(parseSize)
        .default(20 * 2 ** 30, '20GiB'),
    )
    .option('--storage-class <name>', "Class of a new claim (default: the cluster's)")
    .addOption(
      new Option(
        '--access-mode <mode>',
        'Of a new claim (default: ReadWriteMany, of one node ReadWriteOnce)',
      ).choices(['ReadWriteOnce', 'ReadWriteMany', 'ReadWriteOncePod']),
    )
    .option('--env-secret <name>', 'Secret whose entries become variables of the nodes')
    .option('--jobset', 'A JobSet in place of the Job and its Service')
    .addOption(
      new Option('--days <n>', 'Life of the certificates').argParser(parseWholeCount).default(90),
    )
    .optionsGroup('Output:')
    .addOption(verboseOption());
  notes(kubernetes, [
    'The output has private keys. Each time that it is printed they are other ones.',
    'Kubernetes 1.31 or later.',
  ]);
  examples(kubernetes, 'Four nodes with a GPU each; their data set is in a claim', [
    'tessera launch kubernetes photos.yaml --print --image IMAGE --nodes 4 \\',
    '  --gpus 1 --volume photos:/tessera/data:ro \\',
    '  --set data.path=/tessera/data | kubectl apply -f -',
  ]);
  kubernetes.action(async (config, options) =>
    (await import('./kubernetes.ts')).launchKubernetes({ ...options, config }),
  );
}
