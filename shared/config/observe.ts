/** @file The `observe` section of a config: what watches a run. None of it is part of the numbers. */
import { z } from 'zod';
import { TesseraError } from '../core/errors.ts';

/** What a webhook is sent; auto: slack for Slack's own host, else json. */
const WEBHOOK_TEMPLATES = ['auto', 'json', 'slack', 'plain'] as const;
export type WebhookTemplate = (typeof WEBHOOK_TEMPLATES)[number];

/** What is written for TensorBoard. */
const TENSORBOARD_EXTENTS = ['off', 'figures', 'all'] as const;
export type TensorBoardExtent = (typeof TENSORBOARD_EXTENTS)[number];

export const observeOptions = z.strictObject({
  tensorboard: z
    .enum(TENSORBOARD_EXTENTS)
    .default('figures')
    .describe(
      'Files for TensorBoard in the run folder (figures: curves, settings, config; all: histograms and images of checkpoints too, made by a process of low priority)',
    ),
  webhook: z
    .string()
    .default('')
    .describe(
      'Web address that notices of the run are sent to, or env:NAME for that in a variable; an address itself is not kept in the run folder',
    ),
  webhookTemplate: z
    .enum(WEBHOOK_TEMPLATES)
    .default('auto')
    .describe(
      'What it is sent (auto: slack for hooks.slack.com, else json; plain: a line of text)',
    ),
  quietMinutes: z
    .int()
    .min(0)
    .default(10)
    .describe('A notice is sent when no step was made for so many minutes (0: never)'),
});

/** The section of a config. */
export type ObserveConfig = z.infer<typeof observeOptions>;

const HINT =
  'give an address that begins with https:// (or http://), or env:NAME of a variable that holds it';
const VARIABLE = /^env:([A-Za-z_]\w*)$/;

/** What is wrong with a webhook, without saying it: an address is a secret. */
export function webhookProblem(webhook: string) {
  if (webhook === '' || VARIABLE.test(webhook) || isWebAddress(webhook)) return undefined;
  const sentence = 'it is neither a web address nor env:NAME';
  return { path: ['observe', 'webhook'], sentence, hint: HINT };
}

/**
 * The address of a config's webhook, and the section without it: what a run writes and sends to its workers. The name of a
 * variable stays, so that a resumed run finds the address again.
 *
 * Throws  CONFIG_INVALID when the variable is not set, or holds no address.
 */
export function takeWebhook(
  observe: ObserveConfig,
  env: Readonly<NodeJS.ProcessEnv> = process.env,
): { readonly observe: ObserveConfig; readonly url: URL | undefined } {
  const { webhook } = observe;
  if (webhook === '') return { observe, url: undefined };
  const name = VARIABLE.exec(webhook)?.[1];
  const address = name === undefined ? webhook : (env[name] ?? '');
  if (isWebAddress(address)) {
    return {
      observe: name === undefined ? { ...observe, webhook: '' } : observe,
      url: new URL(address),
    };
  }
  const sentence =
    name === undefined
      ? 'observe.webhook: it is neither a web address nor env:NAME'
      : `observe.webhook: the variable ${name} holds no web address`;
  throw new TesseraError('CONFIG_INVALID', sentence, { hint: HINT });
}

/** A config as it may be shown: without the secrets of its webhook. */
export function withoutSecrets<Config extends { readonly observe: ObserveConfig }>(
  config: Config,
): Config {
  const { webhook } = config.observe;
  if (!isWebAddress(webhook)) return config;
  return { ...config, observe: { ...config.observe, webhook: `${new URL(webhook).origin}/...` } };
}

function isWebAddress(text: string): boolean {
  return /^https?:\/\/[^/]/i.test(text) && URL.canParse(text);
}
