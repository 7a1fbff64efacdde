/**
 * @file A TensorFlow.js backend that executes nothing: it records what would be computed.
 *
 * Registered like any other backend, so that TensorFlow.js's own autodiff runs on it once and leaves
 * the whole step, forward and backward, as a graph.
 */
import { assert, TesseraError } from '../../core/errors.ts';
import * as tf from '../../model/tensorflow.ts';
import { onBackend } from '../backend-lock.ts';
import { type Constant, type Graph, type GraphNode, graphNode, type Value } from './graph.ts';
import { RECORD_KERNELS } from './kernels.ts';

/** Its name in TensorFlow.js. */
export const RECORDING = 'tessera-record';

/** Inputs that a recorded function may ask for. */
export interface RecordInputs {
  /** Declares an input of the graph, as a tensor; that of a type which TensorFlow.js does not have is float32. */
  input(name: string, shape: readonly number[], type?: Value['type']): tf.Tensor;
  /** A parameter whose values are part of the graph. */
  parameter(name: string, shape: readonly number[], data: Float32Array): tf.Tensor;
  /** Gives the value of a tensor a name in the graph, for rewrites. */
  mark(name: string, tensor: tf.Tensor): void;
}

/** The backend's storage maps data ids to values of the graph under construction. */
class RecordBackend extends tf.KernelBackend {
  nodes: GraphNode[] = [];
  #values = new WeakMap<object, Value>();
  #count = 0;

  override numDataIds(): number {
    return this.#count;
  }

  restart(): void {
    this.nodes = [];
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
    const type = dtype as Value['type'];
    const array = type === 'float32' ? Float32Array : type === 'int32' ? Int32Array : Uint8Array;
    const constant: Constant = { shape, type, data: array.from(values as Float32Array) };
    return this.place(constant).dataId;
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
  tf.registerBackend(RECORDING, () => made);
  for (const [kernelName, record] of Object.entries(RECORD_KERNELS)) {
    tf.registerKernel({
      kernelName,
      backendName: RECORDING,
      kernelFunc: ({ inputs, attrs }) => {
        const values = Object.entries(inputs as tf.NamedTensorInfoMap).map(
          ([name, info]) => [name, made.recorded(info as tf.TensorInfo)] as const,
        );
        const outputs = record({
          inputs: Object.fromEntries(values),
          list: values.map(([, value]) => value),
          attrs: attrs ?? {},
          node(...parts) {
            const node = graphNode(...parts);
            made.nodes.push(node);
            return node.outputs;
          },
        }).map((value) => made.place(value));
        return outputs.length === 1 ? (outputs[0] as tf.TensorInfo) : outputs;
      },
    });
  }
  backend = made;
  return made;
}

/**
 * Runs `build` on the recording backend; returns the graph of the tensors that it returns by name.
 *
 * Throws  what TensorFlow.js says of a kernel that is not in `kernels.ts`.
 */
export function record(
  build: (inputs: RecordInputs) => ReadonlyMap<string, tf.Tensor>,
): Promise<Graph> {
  const recorder = registeredBackend();
  return onBackend(RECORDING, () => {
    recorder.restart();
    const inputs = new Map<string, Value>();
    const marks = new Map<string, Value>();
    const tensorOf = (value: Value) => {
      const { dataId, shape, dtype } = recorder.place(value);
      return tf.engine().makeTensorFromDataId(dataId, shape, dtype, recorder);
    };
    const outputs = build({
      input(name, shape, type = 'float32') {
        const value = { shape, type };
        inputs.set(name, value);
        if (type !== 'float16' && type !== 'uint8') return tensorOf(value);
        const cast = graphNode('cast', [value], [{ shape, type: 'float32' }], {});
        recorder.nodes.push(cast);
        return tensorOf(cast.outputs[0] as Value);
      },
      parameter: (name, shape, data) =>
        tensorOf({ name, shape, type: 'float32', data } as Constant),
      mark: (name, tensor) => marks.set(name, recorder.recorded(tensor)),
    });
    const values = [...outputs].map(([name, tensor]) => [name, recorder.recorded(tensor)] as const);
    return { inputs, outputs: new Map(values), nodes: recorder.nodes, marks };
  });
}
