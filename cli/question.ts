/** @file Whom a command asks, and how: the coordinator that was named, or that of the newest run here. */
import type { Question } from '../shared/rpc/status-client.ts';
import { newestAddress } from './run-folders.ts';
import { type ClientSecurityFlags, clientConnection } from './security.ts';

/** Flags of every command that asks a coordinator. */
export interface QuestionFlags extends ClientSecurityFlags {
  readonly address?: string;
}

const ANSWER_MS = 5000;

/** A question by its flags. Throws  USAGE when there is no run here; ACCESS_DENIED when a credential cannot be used. */
export async function questionOf(flags: QuestionFlags): Promise<Question> {
  const address = flags.address ?? (await newestAddress());
  return { address, timeoutMs: ANSWER_MS, ...(await clientConnection(flags)) };
}
