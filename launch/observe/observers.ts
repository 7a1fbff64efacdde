/** @file The observers that a run has by its config. */
import type { LoadedConfig } from '../../shared/config/load.ts';
import type { RunConfig } from '../../shared/config/schema.ts';
import { configText } from '../../shared/config/write.ts';
import type { RunObserver } from '../../shared/runs/observer.ts';
import { TensorBoard } from '../../tools/tensorboard/tensorboard.ts';

/** What watches the run of a config, once its folder is there. */
export function configuredObservers({
  config,
  origins,
}: LoadedConfig<RunConfig>): ((runFolder: string) => RunObserver)[] {
  const { tensorboard: extent } = config.observe;
  if (extent === 'off') return [];
  const comments = new Map([...origins].filter(([, origin]) => origin !== 'default'));
  const heading = [
    'What a line has behind # is where its value comes from; the others are defaults.',
  ];
  const text = configText({ tree: config, comments, heading });
  return [(runFolder) => new TensorBoard({ runFolder, extent, config, configText: text })];
}
