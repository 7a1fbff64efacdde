/** @file What `tessera help TOPIC` prints: pages for people who begin. */
import { exitCodeRows } from '../../shared/machine/exit-codes.ts';

/** A page. */
export interface Topic {
  readonly name: string;
  /** One line for the list. */
  readonly title: string;
  readonly lines: readonly string[];
}

/** The pages, in the order of the list. */
export const TOPICS: readonly Topic[] = [
  {
    name: 'photos',
    title: 'From a folder of photos to a model',
    lines: [
      'Put the photos of each class into a folder of its own:',
      '',
      '  photos/pizza/1.jpg  photos/pizza/2.jpg  photos/sushi/1.jpg  ...',
      '',
      'or into one folder, if their names begin with the class: pizza_1.jpg  pizza_2.jpg  sushi_1.jpg',
      'To choose the test images yourself: photos/train/pizza/... and photos/test/pizza/...',
      'Then:',
      '',
      '  tessera train photos      looks, says what it will do, trains, and tests',
      '  tessera init photos       writes the same as a config to read and to change',
      '  tessera eval              what the model gets right and wrong, with pictures',
      '  tessera predict new.jpg   names what a photo shows',
      '  tessera export --to node --out my-model   a folder for your program',
      '',
      'With pretrained weights 50 photos a class are enough to begin. They are looked for in ./weights:',
      '',
      '  tessera weights get vit_tiny_patch16_224',
    ],
  },
  {
    name: 'words',
    title: 'What words in messages mean',
    lines: [
      'run           one training, with a folder of its own: runs/NAME-TIME',
      'class         what an image is of: the name of its folder, or what its own name begins with',
      'step          one change of the model, made from one batch of images',
      'batch         the images of a step',
      'epoch         one pass over all training images',
      'validation    images that choose the best epoch, and are not trained on',
      'test          images that are looked at once, at the end',
      'loss          how wrong the model is, as one number; smaller is better',
      'accuracy      the share of images whose class it names',
      'precision     of the images that it gives a class, the share that are of it',
      'recall        of the images of a class, the share that it gives that class; F1 is between the two',
      'learning rate how far a step goes',
      'lr, acc, grad in the line of a step: learning rate, accuracy, and how steep the loss is there',
      'eta           the time that is left',
      'head          the last layer, which names the classes',
      'backbone      all layers below it, which see',
      'frozen        kept as it is while the rest is trained',
      'checkpoint    a saved state of a run, to continue from',
      'sha256        a fingerprint: equal where two models are equal, to the last bit',
      'worker        a process that computes; the coordinator leads them',
      'micro-batch   the images that a worker computes at a time',
    ],
  },
  {
    name: 'configs',
    title: 'Config files, presets, and settings',
    lines: [
      'A config says what to train on and how; what it leaves out has a default that fits.',
      '',
      '  tessera config show             every option, its default and what it does',
      '  tessera config show CONFIG --origin   every value of a config, and where it comes from',
      '  tessera config schema           a schema for editors, which then complete and check',
      '  tessera train CONFIG --set training.epochs=2   one value for one run',
      '  TESSERA_SET="training.epochs=2,seed=7" tessera train CONFIG   the same from the environment',
      '',
      'Configs with a name come with the package: tessera train quickstart',
    ],
  },
  {
    name: 'variables',
    title: 'Variables of the environment, in place of flags',
    lines: [
      'Each flag has a variable: --run-folder is TESSERA_RUN_FOLDER. tessera COMMAND --help lists them.',
      '',
      '  a flag that is typed comes before its variable; an empty variable counts as none',
      '  switches such as --insecure: 1 or true, 0 or false',
      '  TESSERA_SET="training.epochs=2,seed=7" is --set for each of them',
      '  tessera config show CONFIG --origin shows which values come from variables',
      '',
      'Others:',
      '',
      '  TESSERA_ENGINES           folder of the engines that were added',
      '  TESSERA_XLA_ANY_VERSION   1: try plugins of versions that were not tested',
      '  CUDA_VISIBLE_DEVICES      GPUs that may be used, as elsewhere',
      '  SLURM_JOB_END_TIME        set by Slurm: a run saves and ends before it',
      '  NO_COLOR, FORCE_COLOR     no colours; colours into files and pipes too (--color comes before)',
    ],
  },
  {
    name: 'machines',
    title: 'Several machines',
    lines: [
      'One machine coordinates, the others join it:',
      '',
      '  tessera certs init certs --host HOST                        once',
      '  tessera coordinator CONFIG --listen HOST:50051 --certs certs/coordinator',
      '  tessera worker HOST:50051 --certs certs/worker              on each of the others',
      '  tessera status HOST:50051 --certs certs/operator',
      '',
      'Workers may come, go and crash at any time. Images need to be on the first machine only.',
      '',
      'Or the same line on every machine, in a folder that they share, any number of times:',
      '',
      '  tessera up CONFIG --nodes gpu1,gpu2,gpu3',
      '  srun --ntasks-per-node=1 tessera up CONFIG                  in a Slurm job',
      '',
      'Or from one machine, on others that ssh reaches:',
      '',
      '  tessera launch ssh --hosts gpu1,gpu2 CONFIG',
    ],
  },
  {
    name: 'exit-codes',
    title: 'Exit codes, for scripts',
    lines: [
      ...exitCodeRows().map(({ code, meaning }) => `${String(code).padEnd(5)}${meaning}`),
      '',
      'Results are on stdout, messages on stderr. --json prints one JSON document on stdout.',
      '--quiet leaves only results, warnings and errors.',
    ],
  },
];
