/** @file Whether something listens at an address, by one connection; why not, in words. */
import { connect } from 'node:net';
import { hostOf, portOf } from '../../shared/core/address.ts';
import { errnoOf, reasonOf } from '../../shared/core/errno.ts';

const CONNECT_MS = 3_000;

/** Why nothing can be reached at an address; undefined where something listens. */
export async function reach(address: string): Promise<string | undefined> {
  const socket = connect({ host: hostOf(address), port: portOf(address) });
  try {
    return await new Promise((resolve) => {
      socket.setTimeout(CONNECT_MS, () => resolve('no answer'));
      socket.once('connect', () => resolve(undefined));
      socket.once('error', (error) => resolve(WORDS[errnoOf(error)] ?? reasonOf(error)));
    });
  } finally {
    socket.destroy();
  }
}

const WORDS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'its name does not resolve yet',
  EAI_AGAIN: 'its name does not resolve yet',
  ECONNREFUSED: 'nothing listens there yet',
  ETIMEDOUT: 'no answer',
  EHOSTUNREACH: 'no way leads there',
  ENETUNREACH: 'no way leads there',
};
