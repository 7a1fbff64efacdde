/** @file From a step and an engine to a program that runs. */
import type { EngineChoice, Program, ProgramSpec } from './program.ts';

/**
 * Compiles the training step of a model for an engine.
 *
 * Throws  ENGINE_UNAVAILABLE when the engine cannot be loaded. ONNX Runtime starts when the program is
 *         first used, and throws it then.
 */
export async function compileProgram(spec: ProgramSpec, choice: EngineChoice): Promise<Program> {
  // Engines are large: only the one that is asked for is loaded.
  if (choice.name === 'onnxruntime') {
    const { compileForOnnxRuntime } = await import('./engines/onnxruntime.ts');
    return compileForOnnxRuntime(spec, choice);
  }
  const { compileEagerly } = await import('./engines/tfjs.ts');
  return compileEagerly(spec, choice.name);
}
