/** @file A process that tries one engine and prints what it found; started by `choose.ts`. */
import { TesseraError } from '../core/errors.ts';
import '../machine/debugger.ts';
import type { EngineFinding } from './choose.ts';
import type { EngineChoice } from './program.ts';

const { runProbe } = await import('./choose.ts');

const choice = JSON.parse(process.argv[2] ?? '{}') as EngineChoice;
const finding: EngineFinding = await runProbe(choice).then(
  (reason) => ({ choice, works: true, reason, hint: undefined }),
  (error: unknown) => {
    const { sentence, hint } = TesseraError.from(error, 'ENGINE_UNAVAILABLE');
    return { choice, works: false, reason: sentence, hint };
  },
);
process.stdout.write(`\n${JSON.stringify(finding)}\n`);
