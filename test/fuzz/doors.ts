/**
 * @file All doors, in the order in which they are hammered on.
 *
 * Without one, since nobody else's bytes come in there: numbers and words of the command line (`cli/terminal/flag-values.ts`), answers
 * of our own processes (the engine's probe, workers' logs), tables of the kernel and of nvidia-smi, and the digits of
 * the package mnist. Images by path or on stdin go through the decoder that has one; names of image folders are tried
 * in `test/unit/data`.
 */
import { answerDoors } from './answers.ts';
import { archiveDoors } from './archives.ts';
import { arrayDoors } from './arrays.ts';
import { boardDoors } from './board.ts';
import { checkpointDoors } from './checkpoints.ts';
import { configDoors } from './configs.ts';
import { credentialDoors } from './credentials.ts';
import { dataDoors } from './data-sets.ts';
import { downloadDoors } from './downloads.ts';
import { floatDoors } from './floats.ts';
import { formatDoors } from './formats.ts';
import { huggingFaceDoors } from './huggingface.ts';
import { imageDoors } from './images.ts';
import { lockDoors } from './locks.ts';
import { coordinatorDoors } from './messages.ts';
import { modelDoors } from './models.ts';
import { workerDoors } from './replies.ts';
import { folderDoors } from './run-folders.ts';
import { servingDoors } from './serving.ts';
import { socketDoors } from './sockets.ts';
import { vectorDoors } from './vectors.ts';

export const DOORS = [
  ...coordinatorDoors,
  ...workerDoors,
  ...answerDoors,
  ...socketDoors,
  ...servingDoors,
  ...boardDoors,
  ...vectorDoors,
  ...floatDoors,
  ...formatDoors,
  ...arrayDoors,
  ...modelDoors,
  ...huggingFaceDoors,
  ...checkpointDoors,
  ...configDoors,
  ...imageDoors,
  ...archiveDoors,
  ...downloadDoors,
  ...dataDoors,
  ...folderDoors,
  ...lockDoors,
  ...credentialDoors,
];
