/** @file A trained model as a folder that programs run without Tessera: ONNX, exact pixels, some JavaScript, and a test. */
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path/posix';
import { assert } from '../../shared/core/errors.ts';
import { readTextFile } from '../../shared/files/regular-file.ts';
import type { TrainedModel } from '../inference/read/read-model.ts';
import { EXPORT_MARK, type ExportedFile, type ExportLayout, jsonOf } from './library.ts';
import { modelFacts } from './model-facts.ts';
import { exportOnnx } from './onnx.ts';
import { sampleFiles } from './samples.ts';

/** Modules of ours that the folder has, as they are compiled, and where. */
const MODULES: Readonly<Record<string, string>> = {
  'tools/export/folder/predict': 'predict',
  'tools/export/folder/browser': 'browser',
  'tools/export/folder/images': 'images',
  'tools/export/folder/logits': 'predict.test',
  'tools/inference/top-classes': 'top-classes',
  ...Object.fromEntries(
    ['channels', 'geometry', 'passes', 'raster', 'resample-plain', 'shrinking', 'taps'].map(
      (name) => [`shared/data/pixels/${name}`, `pixels/${name}`],
    ),
  ),
};

/** Those whose types a program sees. */
const TYPED: ReadonlySet<string> = new Set([
  ...['predict', 'browser', 'images', 'top-classes', 'pixels/geometry', 'pixels/raster'],
]);

const FILES = {
  model: 'model.onnx',
  facts: 'model.json',
  package: 'package.json',
  readme: 'README.md',
  npm: '.npmrc',
} as const;

/** The folder that `nodeFolder` fills. */
export const NODE_LAYOUT: ExportLayout = {
  marked: FILES.package,
  isOurs: (name) =>
    ['samples', 'pixels', ...Object.values<string>(FILES)].includes(name) ||
    Object.values(MODULES).includes(name.replace(/\.(js|d\.ts)$/, '')),
};

/** The switch of ONNX Runtime's install script, which else downloads CUDA libraries from outside of the npm registry. */
const NPM = 'onnxruntime-node-install=skip\n';

/** The files of the folder. Throws  as `Model.start`: the logits of its samples are computed. */
export async function nodeFolder(trained: TrainedModel): Promise<readonly ExportedFile[]> {
  const text = (name: string, contents: string) => ({ name, pieces: [Buffer.from(contents)] });
  const json = (name: string, value: object) => ({ name, pieces: jsonOf(value) });
  const facts = { schema: 'tessera-model/1', ...modelFacts(trained) };
  const modules = Object.keys(MODULES).flatMap((module) =>
    ['.js', ...(TYPED.has(MODULES[module] as string) ? ['.d.ts'] : [])].map(async (ending) =>
      text(MODULES[module] + ending, await moduleText(module, ending)),
    ),
  );
  return [
    { name: FILES.model, pieces: [await exportOnnx(trained)] },
    json(FILES.facts, facts),
    json(FILES.package, packageOf(trained)),
    text(FILES.readme, readmeOf(trained)),
    text(FILES.npm, NPM),
    ...(await Promise.all(modules)),
    ...(await sampleFiles(trained)),
  ];
}

const fromHere = createRequire(import.meta.url);

/** The text of a compiled module, its imports led to where the folder has them. */
async function moduleText(module: string, ending: string): Promise<string> {
  const text = await readTextFile(fromHere.resolve(`#compiled/${module}${ending}`));
  const from = dirname(MODULES[module] as string);
  return text.replace(
    /(from |import\()'(\.[^']+)\.[jt]s'/g,
    (_all, words: string, target: string) => {
      const place = MODULES[join(dirname(module), target)];
      assert(place !== undefined, `${module} imports what the folder has not: ${target}`);
      const path = from === '.' ? `./${place}` : relativeTo(from, place);
      return `${words}'${path}.js'`;
    },
  );
}

/** The path of a module from a folder beside or above it. */
function relativeTo(folder: string, place: string): string {
  return dirname(place) === folder ? `./${basename(place)}` : `../${place}`;
}

/** Exact versions: others may decode and shrink to other bytes. */
function packageOf({ config }: TrainedModel): object {
  const { dependencies, devDependencies } = fromHere('#package.json') as {
    readonly dependencies: Readonly<Record<string, string>>;
    readonly devDependencies: Readonly<Record<string, string>>;
  };
  return {
    name:
      config.name
        .toLowerCase()
        .replace(/[^a-z0-9-]+/g, '-')
        .replace(/^-+|-+$/g, '') || 'model',
    version: '1.0.0',
    private: true,
    type: 'module',
    exports: { '.': './predict.js', './browser': './browser.js' },
    scripts: { test: 'node --test' },
    dependencies: {
      'onnxruntime-node': devDependencies['onnxruntime-node'],
      sharp: dependencies['sharp'],
    },
    peerDependencies: { 'onnxruntime-web': devDependencies['onnxruntime-web'] },
    peerDependenciesMeta: { 'onnxruntime-web': { optional: true } },
    ...EXPORT_MARK,
  };
}

function readmeOf({ config, classes, model }: TrainedModel): string {
  return `# ${config.name}: what an image shows, of ${classes.length} classes

    npm install && npm test    # .npmrc: without CUDA libraries, which onnxruntime-node would download

    import { openModel } from './predict.js';   // in a browser: './browser.js', which needs onnxruntime-web
    const model = await openModel();
    const [best] = await model.predict('photo.jpg');   // { class, probability }; bytes are taken too

model.onnx takes \`images\`, float32 [batch, ${model.channels}, ${model.imageSize}, ${model.imageSize}], and gives \`logits\`. model.json says how an image becomes that.
\`npm test\` compares the logits of samples/ with those of the run. The pixels are those of the training, with these
exceptions: CMYK images; BMP files, which sharp does not read; in a browser, transparent images and photos of more than a
megapixel, whose logits differ a little.
`;
}
