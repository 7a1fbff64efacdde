/** @file The names of the files and folders of a run. */

/** Where run folders are made by default, under the current folder. */
export const RUNS_FOLDER = 'runs';

/** Names of the files of a run folder. */
export const RUN_FILES = {
  config: 'config.json',
  /** Which run this is and which data set it has. */
  identity: 'identity.json',
  /** Address of the coordinator while it runs. */
  address: 'address',
  /** Address of the page of the run while it runs. */
  page: 'page',
  metrics: 'metrics.jsonl',
  /** What a run that is done came to. */
  result: 'result.json',
  /** The folder of the coordinator's credentials, where it has some. */
  certs: 'certs',
  /** Held by the coordinator while it runs. */
  lock: 'coordinator.lock',
} as const;

/** The folder in a run folder of the compiled programs that its workers share. */
export const EXECUTABLES_FOLDER = 'executables';

/** The folder in a run folder of what its workers log. */
export const LOGS_FOLDER = 'logs';

/** The folder in a run folder of what its workers did lately. */
export const ACTIVITY_FOLDER = 'activity';
