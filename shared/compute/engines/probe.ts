/** @file A process that tries one engine and prints what it found; started by `choose.ts`. */
import '../../machine/debugger.ts';

const { probeHere } = await import('./choose.ts');

const finding = await probeHere(JSON.parse(process.argv[2] ?? '{}'));
process.stdout.write(`\n${JSON.stringify(finding)}\n`);
