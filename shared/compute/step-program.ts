/** @file A program whose engine runs one part of the step at a time. */

import type { ValueType } from '../core/floats.ts';
import { roundBfloat16 } from '../kernels/values.ts';
import { parameterTable } from '../model/parameters.ts';
import { unlabelled } from './inputs.ts';
import { LeafProgram } from './leaf-program.ts';
import {
  hasFrozenBackbone,
  type LeafInputs,
  type LeafOutputs,
  type Pixels,
  type ProgramSpec,
} from './program.ts';
import { type GradientView, gradientViews, type Part } from './step.ts';

/** Values by name. */
export type Outputs = ReadonlyMap<string, Float32Array>;

/** What the engines extend. */
export abstract class StepProgram extends LeafProgram {
  protected readonly spec: ProgramSpec;
  protected override readonly gradients: ValueType;
  /** Gradients that are not needed any more. Bound: the most that were in use at once. */
  readonly #spare: Float32Array[] = [];

  constructor(spec: ProgramSpec) {
    super();
    this.spec = spec;
    this.gradients = spec.gradients ?? 'f32';
  }

  /** Computes the named outputs of a part, and fills in the gradients. */
  protected abstract run(
    part: Part,
    leaf: LeafInputs,
    names: readonly string[],
    gradients?: readonly GradientView[],
  ): Promise<Outputs>;

  async train(leaf: LeafInputs): Promise<LeafOutputs> {
    const { model, frozen = 0 } = this.spec;
    const gradient = this.#spare.pop() ?? new Float32Array(parameterTable(model).size - frozen);
    const views = gradientViews(this.spec, gradient);
    const sums = await this.#sums('training', leaf, views);
    if (this.gradients === 'bf16') roundBfloat16(gradient);
    return { ...sums, gradient };
  }

  override recycle(gradient: Float32Array): void {
    this.#spare.push(gradient);
  }

  async evaluate(leaf: LeafInputs): Promise<LeafOutputs> {
    return { ...(await this.#sums('forward', leaf, [])), gradient: new Float32Array(0) };
  }

  async predict(images: Pixels): Promise<Float32Array> {
    const leaf = await this.#withFeatures(unlabelled(images, this.spec));
    return (await this.run('forward', leaf, ['logits'])).get('logits') as Float32Array;
  }

  async features(images: Pixels): Promise<Float32Array> {
    const outputs = await this.run('features', unlabelled(images, this.spec), ['features']);
    return outputs.get('features') as Float32Array;
  }

  async #sums(part: Part, leaf: LeafInputs, gradients: readonly GradientView[]) {
    const inputs = await this.#withFeatures(leaf);
    const outputs = await this.run(part, inputs, ['loss', 'correct'], gradients);
    const scalar = (name: string) => outputs.get(name)?.[0] as number;
    return { lossSum: scalar('loss'), correct: Math.round(scalar('correct')) };
  }

  /** Behind a frozen backbone the head takes features; those that are missing are computed. */
  async #withFeatures(leaf: LeafInputs): Promise<LeafInputs> {
    if (!hasFrozenBackbone(this.spec) || leaf.features !== undefined) return leaf;
    return { ...leaf, features: await this.features(leaf.images) };
  }
}
