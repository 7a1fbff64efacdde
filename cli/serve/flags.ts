/** @file Flags and help of `tessera serve`. */
import { type Command, Option } from 'commander';
import {
  addCommand,
  examples,
  GROUPS,
  headsOption,
  notes,
  parsePort,
  parseWholeCount,
  setOption,
  verboseOption,
  weightsKeyOption,
} from '../terminal/flags.ts';

/** Adds `tessera serve`. */
export function addServe(program: Command): void {
  const serve = addCommand(
    program,
    'serve [model]',
    GROUPS.models,
    'Predict over HTTP: a page and a JSON API',
  )
    .addOption(
      new Option('--port <number>', 'Port to listen on (0: a free one)')
        .argParser(parsePort)
        .default(8000),
    )
    .addOption(new Option('--host <address>', 'Address to listen on').default('127.0.0.1'))
    .addOption(
      new Option('--batch <count>', 'Images that are computed together, at most')
        .argParser(parseWholeCount)
        .default(8),
    )
    .option('--classes <file>', 'Names of the classes, one a line, for bare weights')
    .addOption(headsOption())
    .addOption(weightsKeyOption())
    .addOption(setOption())
    .addOption(verboseOption())
    .optionsGroup('Security:')
    .option('--certs <folder>', 'TLS with ca.crt, tls.crt and tls.key (tessera certs)')
    .option('--token-file <file>', 'Callers may show this token (-: stdin)')
    .option('--insecure', 'Plaintext, open to all who reach the port');
  notes(serve, [
    'MODEL is a run (the newest unless given), a checkpoint, or any weights.',
    'POST /predict takes an image, as its body or in a form (?top=3&logits=1).',
    'GET / is a page to drop a photo on; GET /health, GET /metrics (Prometheus).',
  ]);
  examples(serve, 'On this machine; for others, who send the token', [
    'tessera serve runs/food',
    'curl --data-binary @lunch.jpg http://127.0.0.1:8000/predict',
    'tessera serve runs/food --host 10.0.0.1 --certs certs/coordinator \\',
    '  --token-file token',
  ]);
  serve.action(async (path, options) =>
    (await import('./serve.ts')).runServe({ ...options, path }),
  );
}
