// Original file: proto/tessera/v1/control.proto

import type { WorkerStatus as _tessera_v1_WorkerStatus, WorkerStatus__Output as _tessera_v1_WorkerStatus__Output } from '../../tessera/v1/WorkerStatus.ts';
import type { Long } from '@grpc/proto-loader';

export interface StatusReply {
  'run'?: (string);
  /**
   * waiting, training, evaluating, saving, done or failed.
   */
  'phase'?: (string);
  /**
   * The reason for the phase ("waiting for 1 worker").
   */
  'reason'?: (string);
  'step'?: (number | string | Long);
  'stepsTotal'?: (number | string | Long);
  'epoch'?: (number);
  'epochsTotal'?: (number);
  'loss'?: (number | string);
  'trainAccuracy'?: (number | string);
  /**
   * Of the last evaluation on the test split; NaN before the first.
   */
  'testAccuracy'?: (number | string);
  'testLoss'?: (number | string);
  'learningRate'?: (number | string);
  'gradientNorm'?: (number | string);
  'imagesPerSecond'?: (number | string);
  'seconds'?: (number | string);
  'etaSeconds'?: (number | string);
  /**
   * sha256 of the newest parameters that were hashed (checkpoints and the end of the run) and their version.
   */
  'parametersSha256'?: (string);
  'parametersVersion'?: (number | string | Long);
  'runFolder'?: (string);
  'workers'?: (_tessera_v1_WorkerStatus)[];
  'tesseraVersion'?: (string);
  /**
   * Samples that could not be decoded, handled by the setting data.onBadImage.
   */
  'badSamples'?: (number);
  /**
   * Of the last evaluation on the validation split; NaN before the first, and without such a split.
   */
  'validationAccuracy'?: (number | string);
  'validationLoss'?: (number | string);
  /**
   * Why no step has completed for a while; empty while the run progresses.
   */
  'stall'?: (string);
  /**
   * Refused joins, with connections that failed before a join; and the last of them, as a message.
   */
  'refusedJoins'?: (number);
  'lastRefusal'?: (string);
  /**
   * The code of the error that ended the run; empty during a run and after a success.
   */
  'code'?: (string);
  /**
   * The longest time for which the coordinator's main thread did not come to anything else, since it listens; and the
   * time that 99 of 100 looks were below. Units: milliseconds.
   */
  'delayMaxMs'?: (number | string);
  'delayUsualMs'?: (number | string);
  /**
   * Threads that add gradients and take optimizer steps, beside the main thread.
   */
  'reducers'?: (number);
  /**
   * Alarms about the training that have begun and are not over, each as "NAME: SENTENCE" (docs/watching.md).
   */
  'alarms'?: (string)[];
  /**
   * Which worker the others wait for, as a message; empty while nothing is late.
   */
  'waitingFor'?: (string);
  /**
   * What the deaths of workers and coordinators have cost so far, as a message; empty while there were none.
   */
  'disturbances'?: (string);
}

export interface StatusReply__Output {
  'run': (string);
  /**
   * waiting, training, evaluating, saving, done or failed.
   */
  'phase': (string);
  /**
   * The reason for the phase ("waiting for 1 worker").
   */
  'reason': (string);
  'step': (number);
  'stepsTotal': (number);
  'epoch': (number);
  'epochsTotal': (number);
  'loss': (number);
  'trainAccuracy': (number);
  /**
   * Of the last evaluation on the test split; NaN before the first.
   */
  'testAccuracy': (number);
  'testLoss': (number);
  'learningRate': (number);
  'gradientNorm': (number);
  'imagesPerSecond': (number);
  'seconds': (number);
  'etaSeconds': (number);
  /**
   * sha256 of the newest parameters that were hashed (checkpoints and the end of the run) and their version.
   */
  'parametersSha256': (string);
  'parametersVersion': (number);
  'runFolder': (string);
  'workers': (_tessera_v1_WorkerStatus__Output)[];
  'tesseraVersion': (string);
  /**
   * Samples that could not be decoded, handled by the setting data.onBadImage.
   */
  'badSamples': (number);
  /**
   * Of the last evaluation on the validation split; NaN before the first, and without such a split.
   */
  'validationAccuracy': (number);
  'validationLoss': (number);
  /**
   * Why no step has completed for a while; empty while the run progresses.
   */
  'stall': (string);
  /**
   * Refused joins, with connections that failed before a join; and the last of them, as a message.
   */
  'refusedJoins': (number);
  'lastRefusal': (string);
  /**
   * The code of the error that ended the run; empty during a run and after a success.
   */
  'code': (string);
  /**
   * The longest time for which the coordinator's main thread did not come to anything else, since it listens; and the
   * time that 99 of 100 looks were below. Units: milliseconds.
   */
  'delayMaxMs': (number);
  'delayUsualMs': (number);
  /**
   * Threads that add gradients and take optimizer steps, beside the main thread.
   */
  'reducers': (number);
  /**
   * Alarms about the training that have begun and are not over, each as "NAME: SENTENCE" (docs/watching.md).
   */
  'alarms': (string)[];
  /**
   * Which worker the others wait for, as a message; empty while nothing is late.
   */
  'waitingFor': (string);
  /**
   * What the deaths of workers and coordinators have cost so far, as a message; empty while there were none.
   */
  'disturbances': (string);
}
