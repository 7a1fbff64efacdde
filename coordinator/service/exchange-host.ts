/** @file The coordinator's end of every exchange: nodes in, parameters, samples, features and executables out, bounded for each worker. */
import type { FeatureRow } from '../../shared/contract/feature-rows.ts';
import type {
  ExecutableId,
  ExecutableSum,
  NodeHeader,
  ParametersRange,
} from '../../shared/contract/messages.ts';
import { wireInteger } from '../../shared/contract/validate.ts';
import { TesseraError } from '../../shared/core/errors.ts';
import type { ValueType } from '../../shared/core/floats.ts';
import { type Split, splitOf } from '../../shared/core/work.ts';
import type {
  ExchangeHost,
  IncomingNode,
  OutgoingParameters,
} from '../../shared/exchange/exchange.ts';
import type { CoordinatorPort } from './run-port.ts';
import { SampleReads } from './sample-reads.ts';
import { Transfers } from './transfer-limit.ts';

/** What the transfers of one worker may use. */
export interface TransferLimits {
  /** Nodes that one worker may be pushing at a time, each with a gradient's memory. */
  readonly pushesMax: number;
  /** Pulls of parameters that one worker may have under way. */
  readonly pullsMax: number;
  /** Of samples on their way to one worker. */
  readonly sampleBytes: number;
}

/** The transfers of all workers with one run. */
export class RunExchange implements ExchangeHost {
  readonly splitSizes: Readonly<Record<Split, number>>;
  readonly featureWidth: number;
  readonly #port: CoordinatorPort;
  readonly #samples: SampleReads;
  readonly #pushes: Transfers;
  readonly #pulls: Transfers;

  constructor(port: CoordinatorPort, { pushesMax, pullsMax, sampleBytes }: TransferLimits) {
    const { source, features } = port.data;
    this.#port = port;
    this.splitSizes = source.size;
    this.featureWidth = features.width;
    this.#samples = new SampleReads(source, sampleBytes);
    const report: CoordinatorPort['transferring'] = (...news) => port.transferring(...news);
    this.#pushes = new Transfers('pushes', pushesMax, report);
    this.#pulls = new Transfers('pulls', pullsMax, report);
  }

  workerOf(session: string): string {
    return this.#port.workerOf(session);
  }

  beginPush(worker: string, node: NodeHeader): ReturnType<ExchangeHost['beginPush']> {
    const port = this.#port;
    const outcome = port.judge(node);
    if (outcome !== 'accepted') return outcome;
    refuseOtherType(node, port.gradientType);
    const end = this.#pushes.begin(worker);
    const gradient = node.kind === 'train' ? port.takeGradient() : undefined;
    let isOurs = gradient !== undefined;
    const split = splitOf(node.kind);
    return {
      gradient,
      addFeatures: (rows) => {
        for (const { index, values } of rows) port.data.features.put(split, index, values);
      },
      finish: () => {
        isOurs = false;
        return port.nodeArrived(worker, node, gradient);
      },
      end: () => {
        if (isOurs && gradient !== undefined) port.giveBack(gradient);
        isOurs = false;
        end();
      },
    } satisfies IncomingNode;
  }

  async beginPull(worker: string, wanted: ParametersRange) {
    const { version, average = false, first, valueType, waitMs = 0 } = wanted;
    if (waitMs > 0) await this.#port.versionToCome(worker, version, waitMs);
    const isRounded = valueType === 'bf16' && !average;
    const rounded = isRounded ? await this.#port.rounded(version) : undefined;
    const find = () => this.#port.parameters(version, average);
    const parameters = find();
    wireInteger(first, 'pull.first', { max: parameters.length });
    const end = this.#pulls.begin(worker);
    return {
      values: parameters.subarray(first),
      rounded: rounded?.subarray(first),
      confirm: find,
      end,
    } satisfies OutgoingParameters;
  }

  readSamples(worker: string, split: Split, indices: readonly number[]) {
    return this.#samples.read(worker, split, indices);
  }

  findFeatures(split: Split, indices: readonly number[]): FeatureRow[] {
    const { source, features } = this.#port.data;
    return indices.flatMap((index) => {
      const values = features.get(split, index);
      return values === undefined ? [] : { index, label: source.label(split, index), values };
    });
  }

  findExecutable(worker: string, id: ExecutableId) {
    return this.#port.executables.find(worker, id);
  }

  beginExecutable(worker: string, id: ExecutableId, sum: ExecutableSum) {
    return this.#port.executables.begin(worker, id, sum);
  }

  releaseExecutable(worker: string, id: ExecutableId): void {
    this.#port.executables.release(worker, id);
  }
}

/** A gradient of other values would join the sum unrounded, or rounded once more. Throws  MESSAGE_INVALID. */
function refuseOtherType({ kind, gradientType }: NodeHeader, expected: ValueType): void {
  if (kind !== 'train' || gradientType === expected) return;
  throw new TesseraError(
    'MESSAGE_INVALID',
    `node.gradient_type: a gradient of ${gradientType}, this run exchanges ${expected}`,
  );
}
