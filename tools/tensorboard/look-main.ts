/** @file A process that looks at one checkpoint for TensorBoard. */
import { runLook } from '../look/main.ts';

await runLook(() => import('./look.ts'));
