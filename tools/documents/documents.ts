/**
 * @file The JSON documents that commands print with `--json`: the contract with programs that read them. docs/json.md is
 * made of it, and `printJson` prints nothing that is not here.
 *
 * A name has a version. A field is added without a new version; one that is removed, renamed or that means something else
 * makes a new version. Readers ignore fields that they do not know. Numbers that are not known yet are null.
 */
import { z } from 'zod';

/** A document. */
export interface JsonDocument {
  /** The command that prints it. */
  readonly command: string;
  /** Its fields at the top; those below are described by their texts. */
  readonly fields: z.ZodObject;
}

const text = (meaning: string) => z.string().describe(meaning);
const count = (meaning: string) => z.int().nonnegative().describe(meaning);
const number = (meaning: string) => z.number().nullable().describe(meaning);
const yes = (meaning: string) => z.boolean().describe(meaning);
const list = (meaning: string) => z.array(z.unknown()).describe(meaning);
const object = (meaning: string) => z.record(z.string(), z.unknown()).describe(meaning);

const FOLDER = text('the run folder');
const DATA = object('the data set: where it was found, its classes, images of each split');
const RUNS = list('a run each: name, state, accuracy and what it was, as `runs list` shows');
const ENTRIES = list('an entry each: name, description, url, checksum');

function document(command: string, fields: Record<string, z.ZodType>): JsonDocument {
  return { command, fields: z.looseObject(fields) };
}

/** Every document by its name and version. */
export const DOCUMENTS = {
  'train/1': document('train, coordinator, up', {
    data: DATA,
    runFolder: FOLDER,
    steps: count('steps made'),
    epochs: count('epochs made'),
    testAccuracy: number('0 to 1'),
    testLoss: number('mean over the test images'),
    bestStep: number('the step that validation has chosen'),
    parametersSha256: text('of the parameters, to compare two runs to the last bit'),
    seconds: number('since the run began'),
    imagesPerSecond: number('in training'),
    workers: count('that took part'),
    engine: text('that computed'),
  }),
  'launch-slurm/1': document('launch slurm', {
    job: text('number of the job'),
    name: text('of the job'),
    nodes: count('asked for'),
    runFolder: FOLDER,
  }),
  'status/1': document('status (with --watch: a line each second)', {
    run: text('its name'),
    phase: text('waiting, training, evaluating, saving, done, failed; silent or gone with --watch'),
    reason: text('of the phase; may be empty').nullable(),
    step: number('the newest'),
    epoch: number('the newest'),
    runFolder: FOLDER,
    seconds: number('since the run began'),
    etaSeconds: number('that are left'),
    workers: list('a worker each: its name, state, step, speed, devices, last error'),
  }),
  'logs/1': document('logs (a line each)', {
    time: text('when it was written, by the clock of the coordinator; null if unknown').nullable(),
    worker: text('its name'),
    host: text('its machine; empty for a worker that the run has started itself'),
    level: text('debug, info, warn, error, fatal; null for what is not a record').nullable(),
    text: text('one line, escaped'),
    leftOut: count('lines of this worker that are not there, as the text says'),
  }),
  'stop/1': document('stop', {
    run: text('its name'),
    runFolder: FOLDER,
    step: number('that is saved'),
    state: text('of a run that had ended already').optional(),
  }),
  'estimate/1': document('estimate', {
    parameters: count('of the model'),
    batchSize: count('images of a step'),
    microBatch: count('images of a leaf'),
    step: object('the parts of a step and their sum, in seconds'),
    imagesPerSecond: number('of the whole run'),
    epochsPerHour: number('of the whole run'),
    memory: object('in bytes: coordinator, workerHost, workerDevice, shared'),
    best: object('the fastest setting: workers, microBatch, stepSeconds'),
    constants: object('what it is made of, and what of it was measured here'),
  }),
  'runs-list/1': document('runs list', { runs: RUNS }),
  'runs-show/1': document('runs show', {
    name: text('of the run'),
    state: text('running, done, stopped, failed, crashed, unknown'),
    changed: list('settings that differ from the defaults: path, value'),
    evaluations: list('of the run: step, split, loss, accuracy'),
    checkpoints: list('files'),
    pictures: list('files'),
  }),
  'runs-compare/1': document('runs compare', {
    runs: RUNS,
    settings: list('that differ'),
    comparisons: list('of the first run with each other: what is equal; null where unknown'),
  }),
  'runs-rm/1': document('runs rm', {
    removed: list('folders'),
    failed: list('those that were not: name, code, reason'),
  }),
  'eval/2': document('eval', {
    data: DATA,
    modelPath: text('the weights'),
    split: text('test, validation or train'),
    samples: count('images'),
    classes: list('a class each: name, images, precision, recall, F1'),
    confusion: list('a row for each true class: counts of what was said'),
    mistakes: list('the images that were wrong with the most confidence'),
  }),
  'predict/1': document('predict', {
    predictions: list('an image each: path, and classes with probabilities'),
    unreadable: list('images that could not be read'),
    leftOut: list('files that were passed over'),
  }),
  'export/1': document('export', {
    path: text('the weights'),
    out: text('what was written'),
    to: text('the format'),
    parameters: count('tensors'),
  }),
  'summary/1': document('summary', {
    model: object('its sizes'),
    freeze: text('what is frozen'),
    memory: object('with --memory: measured, in bytes').optional(),
    graph: object('with --graph: the training step').optional(),
  }),
  'weights/1': document('weights inspect', {
    path: text('the file or folder'),
    format: text('safetensors, pytorch, npz or a folder'),
    naming: text('whose names the tensors have').nullable(),
    parameters: count('values'),
    notes: list('what may surprise'),
    tensors: list('a tensor each: name, shape, dtype'),
  }),
  'weights-convert/1': document('weights convert', { out: text('what was written') }),
  'weights-list/1': document('weights get --list', { entries: ENTRIES }),
  'weights-get/1': document('weights get', {
    name: text('in the catalogue'),
    url: text('its origin'),
    path: text('the file'),
  }),
  'data-list/1': document('data get --list', { entries: ENTRIES }),
  'data-get/1': document('data get', {
    name: text('in the catalogue'),
    folder: text('the data set'),
    wasThere: yes('whether nothing was downloaded'),
    train: count('images'),
    test: count('images'),
    classes: count('classes'),
  }),
  'find-lr/1': document('find lr', {
    losses: list('a step each: rate and loss'),
    picture: text('the chart'),
  }),
  'find-micro-batch/1': document('find micro-batch', {
    measured: list('a size each: microBatch, imagesPerSecond'),
    suggestion: number('the size to use').optional(),
  }),
  'doctor/1': document('doctor', {
    tessera: text('version'),
    node: text('version'),
    npm: text('version'),
    platform: text('system, architecture, kernel'),
    cores: count('that this process may use'),
    memoryBytes: count('of the machine'),
    freeMemoryBytes: count('now'),
    gpus: list('their names'),
    engines: list('an engine each, in the order of "auto": choice, works, reason, hint'),
  }),
  'doctor-address/1': document('doctor HOST:PORT', {
    address: text('that was checked'),
    works: yes('whether no check has failed'),
    checks: list(
      'a check each, in order: check, outcome (passed, failed, skipped, unknown), text, hint, code',
    ),
    roundTripSeconds: number('median').optional(),
    bytesPerSecond: object('there (to the coordinator), back (from it)').optional(),
    step: object('with --config: network and total in seconds, share').optional(),
  }),
  'certs/1': document('certs show', {
    certificates: list('a certificate each: path, name, role, hosts, validTo'),
  }),
  'config/1': document('config show CONFIG', {
    path: text('the file'),
    config: object('every value'),
    inputs: list('data sets and weights that it names'),
    origins: object('with --origin: where each value comes from').optional(),
  }),
  'config-options/1': document('config show', {
    options: list('an option each: path, default, text'),
  }),
  'engines-list/1': document('engines list', {
    folder: text('where engines are'),
    engines: list('an engine each: name, version, whether it is installed and works'),
  }),
  'engines-add/1': document('engines add', {
    name: text('of the engine'),
    version: text('that is there now'),
    wasThere: yes('whether nothing was downloaded'),
    works: yes('whether it works on this machine'),
    reason: text('why, or why not'),
  }),
  'engines-test/1': document('engines test', {
    name: text('of the engine'),
    isRight: yes('whether its results are those of the reference'),
    speed: object('times of a leaf').nullable(),
  }),
  'engines-remove/1': document('engines remove', {
    name: text('of the engine'),
    folder: text('that was removed'),
  }),
} as const satisfies Readonly<Record<string, JsonDocument>>;

/** The name of a document, with its version. */
export type DocumentName = keyof typeof DOCUMENTS;
