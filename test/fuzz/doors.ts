/** @file All doors, in the order in which they are hammered on. */
import { archiveDoors } from './archives.ts';
import { configDoors } from './configs.ts';
import { downloadDoors } from './downloads.ts';
import { floatDoors } from './floats.ts';
import { formatDoors } from './formats.ts';
import { imageDoors } from './images.ts';
import { coordinatorDoors } from './messages.ts';
import { modelDoors } from './models.ts';
import { workerDoors } from './replies.ts';
import { folderDoors } from './run-folders.ts';
import { socketDoors } from './sockets.ts';
import { vectorDoors } from './vectors.ts';

export const DOORS = [
  ...coordinatorDoors,
  ...workerDoors,
  ...socketDoors,
  ...vectorDoors,
  ...floatDoors,
  ...formatDoors,
  ...modelDoors,
  ...configDoors,
  ...imageDoors,
  ...archiveDoors,
  ...downloadDoors,
  ...folderDoors,
];
