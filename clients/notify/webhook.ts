import { createHmac } from 'node:crypto';
import {
  type Notification,
  notificationOf,
  notificationOfNotice,
} from '../../drift/message/notification.ts';
import { fillTemplate, type TemplateText } from '../../drift/message/notification-template.ts';
import type { Receiver } from '../../lib/config-notifications.ts';
import { sha256 } from '../../lib/digest.ts';
import type { Notifier } from '../../lib/notifier.ts';
import { postJson } from './post-json.ts';

const ID_HEX_DIGITS = 32;

/** Tells another program, of every state that a drift comes to. */
export function createWebhookNotifier(
  { name, url, secret, template }: Extract<Receiver, { kind: 'webhook' }>,
  now: () => number,
): Notifier {
  return {
    threads: false,
    groups: false,
    compose(said) {
      const fields =
        said.kind === 'headline'
          ? notificationOf(said.view)
          : said.kind === 'notice'
            ? notificationOfNotice(said.notice)
            : undefined;
      if (!fields) return undefined;
      const content = template ? filled(template, fields) : { version: 1, ...fields };
      const fingerprint = sha256(JSON.stringify(content));
      return {
        fingerprint,
        async send(to) {
          if (to.correctsOnly) return undefined;
          // The same for each try, so that a receiver can take it once.
          const id = sha256(`${to.name} ${fingerprint}`).slice(0, ID_HEX_DIGITS);
          const body = JSON.stringify(template ? content : { id, ...content });
          await postJson(name, url, body, {
            'x-realign-id': id,
            ...(secret !== undefined && signatureOf(secret, body, now())),
          });
          return { channel: name, ref: id };
        },
      };
    },
  };
}

function filled(template: Readonly<Record<string, TemplateText>>, fields: Notification) {
  const entries = Object.entries(template).map(([key, one]) => [key, fillTemplate(one, fields)]);
  return Object.fromEntries(entries) as Readonly<Record<string, string>>;
}

/** With the time inside what is signed, an old request cannot be sent again as a new one. */
function signatureOf(secret: string, body: string, nowMs: number) {
  const timestamp = String(Math.floor(nowMs / 1_000));
  const signature = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
  return { 'x-realign-timestamp': timestamp, 'x-realign-signature': `sha256=${signature}` };
}
