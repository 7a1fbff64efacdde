/**
 * @file The worker's end of an exchange with lanes: a large vector travels in ranges, each on a lane; all else, and large
 * vectors too where lanes cannot be reached, on the coordinator's own port.
 */
import { ChunkAssembler, type ChunkPiece, cutVector } from '../../../contract/chunks.ts';
import { decodeOutcome, encodeNode, encodePull } from '../../../contract/exchange-codec.ts';
import type { NodeChunk } from '../../../contract/generated/tessera/v1/NodeChunk.ts';
import type {
  NodeHeader,
  ParametersRange,
  PushOutcome,
  VectorRange,
} from '../../../contract/messages.ts';
import { type ErrorCode, TesseraError } from '../../../core/errors.ts';
import { createLog } from '../../../machine/log.ts';
import type { Exchange, ExchangeSettings, NodePayload } from '../../exchange.ts';
import type { BulkCall, BulkCalls } from '../exchange.ts';
import { cutRanges } from './ranges.ts';

/** Vectors of fewer values travel whole: their ranges would not be worth a call each. */
const VALUES_MIN = 2 ** 20;
/** What a firewall, a tunnel of one port, or another program at the port of a lane looks like. */
const NO_WAY: readonly ErrorCode[] = [
  'COORDINATOR_UNREACHABLE',
  'PROTOCOL_MISMATCH',
  'ACCESS_DENIED',
];

/** What an exchange with lanes is made of. */
export interface LanedParts {
  /** On the coordinator's own port. */
  readonly whole: Exchange;
  readonly lanes: readonly Pick<BulkCalls, 'pushNode' | 'pullParameters' | 'close'>[];
  readonly valuesMin?: number;
}

type Lane = LanedParts['lanes'][number];

/** Vectors in ranges. */
export class LanedExchange implements Exchange {
  readonly fetchSamples: Exchange['fetchSamples'];
  readonly fetchFeatures: Exchange['fetchFeatures'];
  readonly fetchExecutable: Exchange['fetchExecutable'];
  readonly pushExecutable: Exchange['pushExecutable'];
  readonly #parts: LanedParts;
  readonly #settings: ExchangeSettings;
  /** The push under way: pushes take turns, since sharing the lines would make each of them late. */
  #pushing: Promise<unknown> = Promise.resolve();
  #lastTransfer = 0;
  #canReach = true;

  constructor(parts: LanedParts, settings: ExchangeSettings) {
    const { whole } = parts;
    this.#parts = parts;
    this.#settings = settings;
    this.fetchSamples = whole.fetchSamples.bind(whole);
    this.fetchFeatures = whole.fetchFeatures.bind(whole);
    this.fetchExecutable = whole.fetchExecutable.bind(whole);
    this.pushExecutable = whole.pushExecutable.bind(whole);
  }

  async pushNode(node: NodeHeader, payload: NodePayload): Promise<PushOutcome> {
    const { gradient, features } = payload;
    const whole = () => this.#parts.whole.pushNode(node, payload);
    // What comes beside a gradient belongs to the whole node.
    if (gradient === undefined || features.length > 0) return await whole();
    const onLanes = () => this.#pushRanges(node, gradient);
    const turn = this.#pushing.then(() => this.#choose(gradient.length, onLanes, whole));
    this.#pushing = turn.catch(() => {});
    return await turn;
  }

  async pull(wanted: ParametersRange, target: Float32Array): Promise<void> {
    const onLanes = () => this.#pullRanges(wanted, target);
    await this.#choose(target.length, onLanes, () => this.#parts.whole.pull(wanted, target));
  }

  close(): void {
    for (const lane of this.#parts.lanes) lane.close();
    this.#parts.whole.close();
  }

  /** Moves a vector on the lanes; on the coordinator's port if it is small, or if a lane cannot be reached that it can. */
  async #choose<T>(
    numValues: number,
    onLanes: () => Promise<T>,
    whole: () => Promise<T>,
  ): Promise<T> {
    const { valuesMin = VALUES_MIN } = this.#parts;
    if (!this.#canReach || numValues < valuesMin) return await whole();
    try {
      return await onLanes();
    } catch (thrown) {
      const error = TesseraError.from(thrown);
      if (!NO_WAY.includes(error.code)) throw error;
      const moved = await whole();
      if (this.#canReach) {
        const log = createLog({ component: 'exchange' });
        log.warn(error, 'a lane cannot be reached: vectors travel on the main port');
      }
      this.#canReach = false;
      return moved;
    }
  }

  async #pushRanges(node: NodeHeader, gradient: Float32Array): Promise<PushOutcome> {
    const { session, limits } = this.#settings;
    const what = `pushing step ${node.step}, leaves ${node.first}+${node.count}`;
    const outcomes = await this.#onEach(what, gradient.length, async (lane, range, call) => {
      const { first, count } = range;
      const values = gradient.subarray(first, first + count);
      const chunks = cutVector(values, limits.chunkBytes, node.gradientType);
      const messages = rangeMessages(encodeNode(session, node, range), chunks);
      return decodeOutcome(await lane.pushNode(call, messages));
    });
    // Each reply is that of the whole node.
    return outcomes[0] ?? 'stale';
  }

  async #pullRanges(wanted: ParametersRange, target: Float32Array): Promise<void> {
    const { version, valueType } = wanted;
    const what = `pulling parameter version ${version}`;
    const asked = encodePull(this.#settings.session, wanted);
    await this.#onEach(what, target.length, async (lane, range, call) => {
      const { first, count } = range;
      const values = target.subarray(first, first + count);
      const vector = `parameters of version ${version}`;
      const assembler = new ChunkAssembler(values, vector, valueType, first);
      for await (const chunk of lane.pullParameters(call, { ...asked, range })) {
        assembler.add(chunk);
      }
      assembler.finish();
    });
  }

  /**
   * Makes a call on each lane for its range. The first that fails ends the others; all are over when this is.
   *
   * Throws  what it has failed with.
   */
  async #onEach<T>(
    what: string,
    numValues: number,
    move: (lane: Lane, range: VectorRange, call: BulkCall) => Promise<T>,
  ): Promise<T[]> {
    const { limits, signal } = this.#settings;
    if (signal.aborted) throw new TesseraError('CANCELLED', `${what}: its session is over`);
    const { lanes } = this.#parts;
    this.#lastTransfer += 1;
    const others = new AbortController();
    const stop = () => others.abort();
    signal.addEventListener('abort', stop, { once: true });
    const call = { what, deadlineMs: limits.rpcMs, signal: others.signal };
    const moves = cutRanges(this.#lastTransfer, numValues, lanes.length).map((range, index) => {
      const lane = lanes[index];
      return lane === undefined ? [] : [move(lane, range, call)];
    });
    try {
      return await Promise.all(moves.flat());
    } finally {
      stop();
      await Promise.allSettled(moves.flat());
      signal.removeEventListener('abort', stop);
    }
  }
}

function* rangeMessages(
  node: ReturnType<typeof encodeNode>,
  chunks: Iterable<ChunkPiece>,
): Generator<NodeChunk> {
  yield { node };
  for (const chunk of chunks) yield { chunk };
}
