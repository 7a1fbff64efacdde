/** @file Flags and help of `tessera certs`. */
import { type Command, Option } from 'commander';
import {
  addCommand,
  examples,
  GROUPS,
  jsonOption,
  listOption,
  parseWholeCount,
  verboseOption,
} from '../terminal/flags.ts';

const HOST = 'Name or address that workers dial (may be repeated)';

/** Adds `tessera certs` and what is below it. */
export function addCerts(program: Command): void {
  const certs = addCommand(
    program,
    'certs',
    GROUPS.run,
    'Certificates and tokens for several machines',
  );
  examples(certs, 'For a coordinator that workers dial as 10.0.0.1', [
    'tessera certs init certs --host 10.0.0.1',
    'tessera coordinator quickstart --listen 10.0.0.1:50051 \\',
    '  --certs certs/coordinator',
    'tessera worker 10.0.0.1:50051 --certs certs/worker',
  ]);
  addInit(certs);
  addIssue(certs);
  addShow(certs);
  addToken(certs);
}

function addInit(certs: Command): void {
  const init = addCommand(
    certs,
    'init <folder>',
    'Commands:',
    'Make an authority and a credential of each role',
  )
    .addOption(listOption('--host <host>', HOST))
    .addOption(daysOption(90))
    .addOption(
      new Option('--authority-days <n>', 'Life of the authority')
        .argParser(parseWholeCount)
        .default(1825),
    )
    .addOption(verboseOption());
  examples(init, 'Two names for one coordinator', [
    'tessera certs init certs --host gpu1.local --host 10.0.0.1',
  ]);
  init.action(async (folder, options) =>
    (await import('./certs.ts')).initCerts({ ...options, folder }),
  );
}

function addIssue(certs: Command): void {
  const issue = addCommand(certs, 'issue <folder> <name>', 'Commands:', 'Issue one more credential')
    .addOption(
      new Option('--role <role>', 'What its owner may do')
        .choices(['coordinator', 'worker', 'operator'])
        .makeOptionMandatory(),
    )
    .addOption(listOption('--host <host>', HOST))
    .addOption(daysOption(90))
    .option('--out <folder>', 'Where to write it (default: FOLDER/NAME)')
    .addOption(verboseOption());
  examples(issue, 'For one machine, for a week', [
    'tessera certs issue certs gpu2 --role worker --days 7',
  ]);
  issue.action(async (folder, name, options) =>
    (await import('./certs.ts')).issueCerts({ ...options, folder, name }),
  );
}

function addShow(certs: Command): void {
  const show = addCommand(
    certs,
    'show <path...>',
    'Commands:',
    'Who certificates are of, and how long they last',
  )
    .addOption(jsonOption())
    .addOption(verboseOption());
  examples(show, 'A folder or a file', ['tessera certs show certs/worker certs/ca.crt']);
  show.action(async (paths, options) => (await import('./certs.ts')).showCerts(paths, options));
}

function addToken(certs: Command): void {
  const token = addCommand(certs, 'token', 'Commands:', 'Print a new join token').addOption(
    verboseOption(),
  );
  examples(token, 'Into a file that only you can read', [
    'umask 077; tessera certs token > join.token',
  ]);
  token.action(async () => (await import('./certs.ts')).printToken());
}

function daysOption(days: number): Option {
  return new Option('--days <n>', 'Life of the certificates')
    .argParser(parseWholeCount)
    .default(days);
}
