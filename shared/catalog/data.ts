/** @file Data sets that `tessera data get` knows by name. */
import type { KnownFile } from '../files/known-file.ts';

/** How the files of a set become a folder that `data.source` reads. */
export type Arrangement = 'image-folder' | 'idx' | 'cifar10' | 'food101';

/** One data set. */
export interface KnownData {
  readonly description: string;
  readonly license: string;
  readonly name: string;
  readonly files: readonly KnownFile[];
  readonly arrangement: Arrangement;
  /** The classes that are taken of a larger set; all unless given. */
  readonly classes?: readonly string[];
  /** Where a package of the system puts it. */
  readonly installed?: readonly string[];
  /** A config of ours to begin with. */
  readonly config: string;
}

function foodVision(name: string, description: string): KnownData {
  const file = `${name}.zip`;
  const url = `https://github.com/mrdbourke/pytorch-deep-learning/raw/main/data/${file}`;
  return {
    name,
    files: [{ file, url }],
    arrangement: 'image-folder',
    config: 'foodvision-mini-frozen',
    description,
    license: 'photos of Food-101, see food101',
  };
}

function fashion(stem: string, hex: string): KnownFile {
  const file = `${stem}.gz`;
  return {
    file,
    url: `http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/${file}`,
    digest: { algorithm: 'md5', hex },
  };
}

const FOOD101: KnownFile = {
  file: 'food-101.tar.gz',
  url: 'https://data.vision.ee.ethz.ch/cvl/food-101.tar.gz',
  digest: { algorithm: 'md5', hex: '85eeb15f3717b99a5da872d97d918f87' },
};
const FOOD101_TERMS = 'research only, see its readme';

/** Every name of `tessera data get`. */
export const DATA: readonly KnownData[] = [
  foodVision('pizza_steak_sushi', '225 + 75 photos of three dishes'),
  foodVision('pizza_steak_sushi_20_percent', '450 + 150 photos of three dishes'),
  {
    name: 'cifar10',
    files: [
      {
        file: 'cifar-10-binary.tar.gz',
        url: 'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
        digest: { algorithm: 'md5', hex: 'c32a1d4ab5d03f1284b67883e8d87530' },
      },
    ],
    arrangement: 'cifar10',
    config: 'cifar10-ti16',
    description: '50,000 + 10,000 images of 32 px, 10 classes',
    license: 'none stated; cite Krizhevsky 2009',
  },
  {
    name: 'fashion-mnist',
    files: [
      fashion('train-images-idx3-ubyte', '8d4fb7e6c68d591d4c3dfef9ec88bf0d'),
      fashion('train-labels-idx1-ubyte', '25c81989df183df01b3e8a0aad5dffbe'),
      fashion('t10k-images-idx3-ubyte', 'bef4ecab320f06d8554ea6380940ec79'),
      fashion('t10k-labels-idx1-ubyte', 'bb300cfdad3c16e7a12a480ee83cd310'),
    ],
    arrangement: 'idx',
    // Debian and Ubuntu: apt-get install dataset-fashion-mnist.
    installed: ['/usr/share/datasets/fashion-mnist'],
    config: 'fashion-mnist',
    description: '60,000 + 10,000 grey images of 28 px, 10 classes',
    license: 'MIT',
  },
  {
    name: 'food101',
    files: [FOOD101],
    arrangement: 'food101',
    config: 'foodvision-mini-b16',
    description: '75,750 + 25,250 photos of 101 dishes, 5 GB',
    license: FOOD101_TERMS,
  },
  {
    name: 'food101_pizza_steak_sushi',
    files: [FOOD101],
    arrangement: 'food101',
    classes: ['pizza', 'steak', 'sushi'],
    config: 'foodvision-600-frozen',
    description: '2,250 + 750 photos of three dishes, taken out of the 5 GB of food101',
    license: FOOD101_TERMS,
  },
];
