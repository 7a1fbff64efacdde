/**
 * @file What the WebAssembly module exports. AssemblyScript: a strict dialect of TypeScript whose numbers are i32, f32, f64.
 *
 * Functions take addresses (bytes from the start of the memory) and counts of values. They keep no state, allocate
 * nothing, and touch only what they are given, so any number of threads may call them on one memory. Each makes exactly
 * the bits of its loop in plain JavaScript, or of the decoder that it names.
 */
export { addBfloat16Into, fromBfloat16, roundBfloat16, toBfloat16 } from './bfloat16';
export { parameterSums } from './checksums';
export { jpegColours } from './jpeg-colours';
export { decodeScan, unstuffed } from './jpeg-scan';
export { adam, sgd, sgdMomentum } from './optimizers';
export { resampleColours, resampleColumns, resampleGreys } from './resample';
export { addInto, areFinite, moveAverage, sumOfSquares } from './vectors';
