/**
 * @file Keeps ONNX Runtime from reporting to its makers (promise P7); to be imported before the library, and before any
 * thread that loads it.
 *
 * Without the switch its first session makes a device id and a store of events below HOME and sends them to
 * mobile.events.data.microsoft.com. The library reads the environment of the process, once. A thread has a copy of
 * `process.env`, and what it writes there the process does not see: so the main thread must have set the switch.
 */
import { isMainThread } from 'node:worker_threads';
import { TesseraError } from '../core/errors.ts';

/** The one switch of ONNX Runtime for Linux and macOS. Source  its docs/Privacy.md. */
const SWITCH = 'ORT_DISABLE_TELEMETRY';

// Children inherit it. A '0' of the shell is overridden too: no command of Tessera asks for reports.
if (isMainThread) process.env[SWITCH] = '1';

/**
 * States that the library may be loaded here.
 *
 * Throws  ENGINE_UNAVAILABLE in a thread of a program whose main thread never loaded this module.
 */
export function assertTelemetryIsOff(): void {
  if (process.env[SWITCH] === '1') return;
  throw new TesseraError(
    'ENGINE_UNAVAILABLE',
    'ONNX Runtime would report to its makers from this thread, so it is not loaded',
    { hint: `import Tessera in the main thread first, or start the program with ${SWITCH}=1` },
  );
}
