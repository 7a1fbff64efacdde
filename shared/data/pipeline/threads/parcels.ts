/**
 * @file The bytes of a message's samples, in memory that both threads see and that is used again when the reply is there:
 * memory that moves is garbage for the main thread each time.
 */
import type { Job } from './messages.ts';

/** Memory of a message. */
type Parcel = SharedArrayBuffer;

/** What a parcel is made for at least, and the largest that is kept. */
const BYTES_MIN = 2 ** 19;
const BYTES_KEPT = 2 ** 22;

/** Puts samples into parcels. */
export class Parcels {
  readonly #spares: Parcel[] = [];

  /** The jobs with the bytes of their samples in a parcel, which is the caller's until it gives it back. */
  pack(jobs: readonly Job[]): { readonly packed: Job[]; readonly parcel: Parcel } {
    const parcel = this.#take(jobs.reduce((sum, job) => sum + bytesOf(job), 0));
    let end = 0;
    const packed = jobs.map((job) => {
      if (job.type === 'finish') return job;
      const bytes = new Uint8Array(parcel, end, bytesOf(job));
      bytes.set(job.sample.bytes);
      end += bytes.length;
      return { ...job, sample: { ...job.sample, bytes } };
    });
    return { packed, parcel };
  }

  giveBack(parcel: Parcel): void {
    if (parcel.byteLength <= BYTES_KEPT) this.#spares.push(parcel);
  }

  #take(bytes: number): Parcel {
    const at = this.#spares.findIndex(({ byteLength }) => byteLength >= bytes);
    const [spare] = at < 0 ? [] : this.#spares.splice(at, 1);
    return spare ?? new SharedArrayBuffer(Math.max(BYTES_MIN, bytes));
  }
}

/** Bytes of a job's sample. */
export function bytesOf(job: Job): number {
  return job.type === 'image' ? job.sample.bytes.length : 0;
}
