/** @file A process that compiles programs and prints the memory that they take; started by `measure.ts`. */
import '../../machine/debugger.ts';
// For its side effect: ONNX Runtime, where it is chosen, reports nothing to its makers.
import '../telemetry.ts';
import { TesseraError } from '../../core/errors.ts';
import type { MeasureReply } from './measure.ts';

const { measureHere } = await import('./measure.ts');

const reply: MeasureReply = await measureHere(JSON.parse(process.argv[2] ?? '{}')).then(
  (measured) => ({ measured }),
  (thrown: unknown) => {
    const { code, sentence, hint } = TesseraError.from(thrown);
    return { error: { code, sentence, hint } };
  },
);
process.stdout.write(`\n${JSON.stringify(reply)}\n`);
