/**
 * @file The one description of a run: every option with its default, range and meaning. The data, the model and
 * training describe their own sections.
 *
 * Help, `config show`, validation and types all read this schema. Pure; `load.ts` does the I/O.
 */
import { z } from 'zod';
import { computeOptions } from '../compute/engines/options.ts';
import { ADDRESS } from '../core/address.ts';
import { VALUE_TYPES } from '../core/floats.ts';
import { bytes, count, text } from '../core/options.ts';
import { dataOptions } from '../data/options.ts';
import { modelOptions } from '../model/options.ts';
import { CREDENTIAL_SOURCES, PLACE } from '../objects/place.ts';
import { plannedTraining, trainingOptions } from '../training/options.ts';
import { observeOptions } from './observe.ts';

const checkpoint = z.strictObject({
  everySteps: z
    .int()
    .min(0)
    .default(0)
    .describe('Save every N steps (0: only at the end of an epoch)'),
  everyEpochs: z.int().min(0).default(1).describe('Save every N epochs (0: off)'),
  keep: count.default(3).describe('Newest checkpoints to keep; the best one is kept too'),
  mirror: text(PLACE, 's3://BUCKET/PREFIX')
    .optional()
    .describe(
      'Object store that each checkpoint is copied to, in the background; --resume auto in an empty run folder continues from there',
    ),
  mirrorCredentials: z
    .enum(CREDENTIAL_SOURCES)
    .default('chain')
    .describe(
      'Credentials of the mirror (chain: variables AWS_*, profiles, those of a container; instance: the metadata of a cloud machine)',
    ),
  mirrorWaitMs: count
    .default(120_000)
    .describe('Longest wait at the end of a run for the last copy to the mirror'),
});

/** Lanes of one coordinator. */
const LANES_MAX = 64;

const cluster = z.strictObject({
  listen: text(ADDRESS, 'HOST:PORT such as 127.0.0.1:50051')
    .default('127.0.0.1:0')
    .describe('Address of the coordinator (port 0: any free one)'),
  workers: z
    .union([z.literal('auto'), count])
    .default('auto')
    .describe(
      'Worker processes that `tessera train` starts (auto: one for all devices with an engine of xla or where compute.devices names them, one per GPU with others, else one per two cores, at least 2)',
    ),
  reducers: z
    .union([z.literal('auto'), count.max(64)])
    .default('auto')
    .describe(
      'Threads of the coordinator that sum gradients and take optimizer steps (auto: one per core, at most 8, none for a small model)',
    ),
  lanes: z
    .union([z.literal('auto'), z.int().min(0).max(LANES_MAX)])
    .default('auto')
    .describe(
      'Ports that take and give ranges of large vectors, each in a thread of `reducers` (auto: one for each, none where all workers share the memory of this machine; 0: all vectors pass the port of `listen`)',
    ),
  lanePort: z
    .int()
    .min(0)
    .max(65_535 - LANES_MAX)
    .default(0)
    .describe('Port of the first of the lanes, the others follow it (0: any free ones)'),
  minWorkers: count.default(1).describe('Workers that must be ready before a step starts'),
  restarts: z
    .int()
    .min(0)
    .default(3)
    .describe('Restarts of dead workers by `tessera train`, in the whole run'),
  heartbeatMs: count.default(1000).describe("Interval of the workers' heartbeats"),
  silenceMs: z
    .int()
    .min(500)
    .default(10_000)
    .describe('A peer that sends nothing for this long is lost'),
  leaseMs: count
    .default(60_000)
    .describe('Duration of a lease; afterwards other workers may compute its leaves too'),
  sharedMemory: z
    .enum(['auto', 'off'])
    .default('auto')
    .describe(
      'Workers on the machine of the coordinator exchange large vectors with it through memory (auto: where that works)',
    ),
  stallMs: count
    .default(60_000)
    .describe('The run reports why no step, evaluation or checkpoint has completed for this long'),
});

const worker = z.strictObject({
  decoders: z
    .union([z.literal('auto'), z.int().min(0).max(256)])
    .default('auto')
    .describe(
      'Threads of a worker that decode and augment images (auto: from its cores; 0: its main thread does)',
    ),
});

const exchange = z.strictObject({
  gradients: z
    .enum(VALUE_TYPES)
    .default('f32')
    .describe(
      'bf16: round the gradient of each leaf and each sum of them to bfloat16, and send half the bytes; part of the numbers',
    ),
  parameters: z
    .enum(VALUE_TYPES)
    .default('f32')
    .describe(
      'bf16: workers train with parameters rounded to bfloat16, which are half the bytes; the coordinator steps, evaluates and saves float32; part of the numbers',
    ),
});

const limits = z.strictObject({
  workersMax: count.max(4096).default(256).describe('Maximum number of workers of a run'),
  messageBytes: bytes.prefault('4MiB').describe('Largest single gRPC message'),
  chunkBytes: bytes.prefault('1MiB').describe('Payload of one chunk'),
  sampleBytes: bytes
    .prefault('64MiB')
    .describe('Bytes of samples being sent to one worker; a larger sample is sent alone'),
  featureBytes: bytes
    .prefault('2GiB')
    .describe('Maximum bytes of features of a frozen backbone that the coordinator keeps'),
  executableBytes: bytes
    .prefault('256MiB')
    .describe('Largest compiled program that the coordinator keeps for its workers'),
  executablesBytes: bytes
    .prefault('1GiB')
    .describe('Maximum bytes of all compiled programs that the coordinator keeps'),
  rpcMs: count.default(120_000).describe('Deadline of one bulk call'),
  connectionsMax: count
    .default(1024)
    .describe('Maximum connections to the coordinator, two per worker; further ones are closed'),
  streamsMax: count.default(64).describe('Maximum concurrent calls on one connection'),
  pushesMax: count
    .default(4)
    .describe('Maximum concurrent pushes of one worker, each with the memory of a gradient'),
  pullsMax: count.default(4).describe('Maximum concurrent pulls of parameters by one worker'),
  joinsPerMinute: count.default(600).describe('Maximum joins per minute from one address'),
});

/** The schema of a run's config. Cross-field rules are in `rules.ts`, since they need the model's numbers. */
export const configSchema = z.strictObject({
  name: text(
    /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$/,
    'name of up to 64 letters, digits, dots, dashes, underscores',
  ).describe('Name of the run; its folder is runs/NAME-TIME'),
  seed: z
    .int()
    .min(0)
    .max(0xffff_ffff)
    .default(42)
    .describe('Seed of all random choices of the run'),
  data: dataOptions,
  model: modelOptions,
  training: trainingOptions,
  evaluation: z
    .strictObject({
      everyEpochs: z
        .int()
        .min(0)
        .default(1)
        .describe('Evaluate every N epochs (0: only at the end)'),
    })
    .prefault({}),
  checkpoint: checkpoint.prefault({}),
  cluster: cluster.prefault({}),
  compute: computeOptions.prefault({}),
  worker: worker.prefault({}),
  exchange: exchange.prefault({}),
  observe: observeOptions.prefault({}),
  limits: limits.prefault({}),
});

/** The schema of a config file: what `auto` is in `training.microBatch` is found when the run begins. */
export const plannedSchema = configSchema.extend({
  training: plannedTraining.prefault({}),
});

/** A complete, valid configuration. */
export type RunConfig = z.infer<typeof configSchema>;
/** A config before its run begins. */
export type PlannedConfig = z.infer<typeof plannedSchema>;
/** A config as it is written: what has a default may be left out. */
export type RunConfigInput = z.input<typeof plannedSchema>;
