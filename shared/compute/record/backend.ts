/**
 * @file A TensorFlow.js backend that executes nothing: it records what would be computed.
 *
 * Registered like any other backend, so that TensorFlow.js's own autodiff runs on it once and leaves
 * the whole step, forward and backward, as a graph.
 */
import * as tf from '@tensorflow/tfjs-core';
import { assert, TesseraError } from '../../core/errors.ts';
import { inTurn } from '../turns.ts';
import { type Graph, GraphBuilder, type Value, type ValueType } from './graph.ts';
import { RECORD_KERNELS } from './kernels.ts';

const BACKEND = 'tessera-record';

/** Inputs that a recorded function may ask for. */
export interface RecordInputs {
  /** Declares an input of the graph, as a tensor. */
  input(name: string, shape: readonly number[], type?: 'float32' | 'int32' | 'bool'): tf.Tensor;
}

/** The backend's storage maps data ids to values of the graph under construction. */
class RecordBackend extends tf.KernelBackend {
  #graph = new GraphBuilder();
  #values = new WeakMap<object, Value>();
  #count = 0;

  get graph(): GraphBuilder {
    return this.#graph;
  }

  override numDataIds(): number {
    return this.#count;
  }

  restart(): void {
    this.#graph = new GraphBuilder();
    this.#values = new WeakMap();
  }

  /** A new data id over a value. */
  place(value: Value): tf.TensorInfo {
    const dataId = {};
    this.#values.set(dataId, value);
    this.#count += 1;
    return { dataId, shape: [...value.shape], dtype: value.type as tf.DataType };
  }

  recorded(info: { readonly dataId: object }): Value {
    const value = this.#values.get(info.dataId);
    assert(value !== undefined, 'a tensor of this recording');
    return value;
  }

  override write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): object {
    const type = dtype as ValueType;
    const array = type === 'float32' ? Float32Array : type === 'int32' ? Int32Array : Uint8Array;
    const data = array.from(values as Float32Array);
    return this.place(this.#graph.constant(data, [...shape], type)).dataId;
  }

  override disposeData(): boolean {
    return true;
  }

  override incRef(): void {}

  decRef(): void {}

  override refCount(): number {
    return 1;
  }

  override floatPrecision(): 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  override readSync(): never {
    throw new TesseraError('INTERNAL', 'a recorded step may not read values');
  }

  override async read(): Promise<never> {
    return this.readSync();
  }
}

let backend: RecordBackend | undefined;

function registeredBackend(): RecordBackend {
  if (backend !== undefined) return backend;
  const made = new RecordBackend();
  tf.registerBackend(BACKEND, () => made);
  for (const [kernelName, record] of Object.entries(RECORD_KERNELS)) {
    tf.registerKernel({
      kernelName,
      backendName: BACKEND,
      kernelFunc: ({ inputs, attrs }) => {
        const values = Object.entries(inputs as tf.NamedTensorInfoMap).map(
          ([name, info]) => [name, made.recorded(info as tf.TensorInfo)] as const,
        );
        const outputs = record({
          inputs: Object.fromEntries(values),
          list: values.map(([, value]) => value),
          attrs: attrs ?? {},
          graph: made.graph,
        }).map((value) => made.place(value));
        return outputs.length === 1 ? (outputs[0] as tf.TensorInfo) : outputs;
      },
    });
  }
  backend = made;
  return made;
}

/**
 * Runs `build` on the recording backend and answers the graph of the tensors it returns by name.
 *
 * Throws  what TensorFlow.js says of a kernel that is not in `kernels.ts`.
 */
export function record(
  build: (inputs: RecordInputs) => ReadonlyMap<string, tf.Tensor>,
): Promise<Graph> {
  return inTurn(() => recordNow(build));
}

async function recordNow(
  build: (inputs: RecordInputs) => ReadonlyMap<string, tf.Tensor>,
): Promise<Graph> {
  const recorder = registeredBackend();
  const before = tf.engine().backendName;
  recorder.restart();
  await tf.setBackend(BACKEND);
  tf.engine().startScope();
  try {
    const inputs: RecordInputs = {
      input(name, shape, type = 'float32') {
        const { dataId } = recorder.place(recorder.graph.input(name, shape, type));
        return tf.engine().makeTensorFromDataId(dataId, [...shape], type, recorder);
      },
    };
    const outputs = new Map<string, Value>();
    for (const [name, tensor] of build(inputs)) outputs.set(name, recorder.recorded(tensor));
    return recorder.graph.finish(outputs);
  } finally {
    tf.engine().endScope();
    if (before !== undefined && before !== null && before !== BACKEND) await tf.setBackend(before);
  }
}
