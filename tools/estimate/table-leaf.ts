/** @file What a leaf takes on a device that is not here, by what its maker states. Pure. */
import type { PlannedConfig } from '../../shared/config/schema.ts';
import { assert } from '../../shared/core/errors.ts';
import { frozenSize, parameterTable } from '../../shared/model/parameters.ts';
import type { ModelConfig } from '../../shared/model/variants.ts';
import { summarise } from '../inference/summary.ts';
import { deviceOf, EFFICIENCY, imageSeconds, LEAF_OVERHEAD } from './devices.ts';
import { deviceBytes } from './memory.ts';
import type { LeafFacts } from './run.ts';

/** Of a device's memory, what programs may take. */
const SHARE = 0.9;

/** A leaf of a run on a device of the table. */
export function leafOfDevice(
  name: string,
  run: {
    readonly model: ModelConfig;
    readonly config: PlannedConfig;
    readonly devices: number;
  },
): LeafFacts {
  const { model, config, devices } = run;
  const device = deviceOf(name);
  assert(device !== undefined, `the device ${name} is known`);
  const { precision = 'f32', recompute = 'none' } = config.training;
  const frozen = frozenSize(model, config.model.freeze);
  const { multiplyAdds } = summarise(model, { batch: 1, frozen });
  const parameters = parameterTable(model).size;
  const size = {
    ...{ model, parameters, trainable: parameters - frozen, recompute },
    valueBytes: precision === 'bf16' ? (2 as const) : (4 as const),
  };
  const [none, one] = [0, 1].map((microBatch) => deviceBytes({ ...size, microBatch }));
  const image = imageSeconds(device, { multiplyAdds, precision, recompute });
  return {
    ...{ source: 'assumed', devices, measuredAt: 0 },
    device: `${name}, ${precision}, ${Math.round(100 * EFFICIENCY)} % of what its maker states`,
    ...{ cost: { image, fixed: LEAF_OVERHEAD }, crowding: undefined, workersMax: undefined },
    ...{ hostBytes: undefined, deviceBytes: none, deviceLimit: SHARE * device.bytes },
    imageBytes: (one as number) - (none as number),
  };
}
