/** @file What a program must know of a model beside its graph: the classes, and how images become its input. */
import type { TrainedModel } from '../inference/read/read-model.ts';
import type { ModelFacts } from './folder/images.ts';

/** The facts of a model. */
export function modelFacts({ model, config, classes }: TrainedModel): ModelFacts {
  const { imageSize, channels } = model;
  const { resize, cropFraction, cropRounding = 'even', interpolation, background } = config.data;
  const perChannel = (values: readonly number[]) =>
    Array.from({ length: channels }, (_, at) => values[at] ?? (values[0] as number));
  const { mean, deviation } = config.data;
  return {
    ...{ classes, imageSize, channels: channels as 1 | 3 },
    pixels: {
      ...{ resize, cropFraction, cropRounding, interpolation, background, rescale: '1/255' },
      ...{ mean: perChannel(mean), deviation: perChannel(deviation) },
    },
  };
}
