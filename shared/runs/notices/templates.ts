/** @file The bodies of a webhook: a notice as JSON, as Slack and its like take it, and as a line. Pure. */
import type { WebhookTemplate } from '../../config/observe.ts';
import { oneLine } from '../../core/text.ts';
import type { Notice } from './notices.ts';

/** Which run a notice is of. */
export interface NoticeOrigin {
  readonly run: string;
  readonly host: string;
}

/** What is sent. */
interface NoticeBody {
  readonly contentType: string;
  readonly body: string;
}

const SIGNS: Readonly<Record<Notice['kind'], string>> = {
  ended: '🏁',
  failed: '❌',
  best: '⭐',
  quiet: '⏸️',
  alarm: '🚨',
};
const TEXT_MAX = 2000;
const SLACK_HOST = 'hooks.slack.com';

/** The template that an address wants. */
export function templateFor(template: WebhookTemplate, url: URL): Exclude<WebhookTemplate, 'auto'> {
  if (template !== 'auto') return template;
  return url.hostname === SLACK_HOST ? 'slack' : 'json';
}

/** A notice in a template. */
export function bodyOf(
  template: Exclude<WebhookTemplate, 'auto'>,
  notice: Notice,
  { run, host }: NoticeOrigin,
): NoticeBody {
  const { kind, state = null, time, step, epoch } = notice;
  const sentence = oneLine(notice.sentence).slice(0, TEXT_MAX);
  if (template === 'plain') {
    return { contentType: 'text/plain; charset=utf-8', body: `${run} on ${host}: ${sentence}\n` };
  }
  if (template === 'slack') {
    const sign = state === 'over' ? '✅' : SIGNS[kind];
    const text = `${sign} *${slackText(run)}* on ${slackText(host)}: ${slackText(sentence)}`;
    return { contentType: 'application/json', body: JSON.stringify({ text }) };
  }
  const content = { schema: 'notice/1', kind, state, run, host, time, step, epoch, sentence };
  return { contentType: 'application/json', body: JSON.stringify(content) };
}

/** The three characters that Slack reads as its own. */
function slackText(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}
