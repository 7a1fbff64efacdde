/** @file A data set with fewer images of one split, taken evenly: sets are often in the order of their classes. Pure. */
import type { DataSource, Split } from '../../shared/data/source.ts';

/** At most `max` images of a split. */
export function sampled(source: DataSource, split: Split, max: number): DataSource {
  const size = source.size[split];
  if (size <= max) return source;
  const at = (of: Split, index: number) =>
    of === split ? Math.floor((index * size) / max) : index;
  return {
    classes: source.classes,
    found: source.found,
    size: { ...source.size, [split]: max },
    label: (of, index) => source.label(of, at(of, index)),
    name: (of, index) => source.name(of, at(of, index)),
    listedBytes: (of, index) => source.listedBytes(of, at(of, index)),
    bytes: (of, index) => source.bytes(of, at(of, index)),
    read: async (of, index) => ({ ...(await source.read(of, at(of, index))), index }),
  };
}
