import { z } from 'zod';
import { SEVERITIES } from '../drift/field-change.ts';
import { ESCAPES } from '../drift/message/notification-template.ts';
import { EVENTS } from '../drift/message/route.ts';
import {
  DAY_MS,
  duration,
  labels,
  MAX_LIST,
  name,
  names,
  SECOND_MS,
  text,
} from './config-schema-parts.ts';
import { slackChannel } from './config-schema-slack.ts';

/** The shape of `notifications:` in realign.yaml. docs/notifications.md explains it by example. */

const MAX_RECEIVERS = 100;
const MAX_ROUTES = 200;
const MAX_TEMPLATE_FIELDS = 50;
const MAX_TEMPLATE_LENGTH = 4_000;

const address = z.url({
  protocol: /^https?$/,
  error: 'expected a URL that begins with http:// or https://',
});
const userGroup = text.regex(/^S[A-Z0-9]{2,}$/, "expected a user group's id (S0123456789)");
/** Stands for a drift's episode in the address of its page. */
export const EPISODE_PLACEHOLDER = '{episode}';

const receiverNames = z.array(name).max(MAX_LIST);

/** Texts in which `{{field}}` stands for what docs/notifications.md lists; nothing in them is executed. */
const template = z
  .record(text, z.string().max(MAX_TEMPLATE_LENGTH))
  .refine(
    (fields) => Object.keys(fields).length <= MAX_TEMPLATE_FIELDS,
    `expected at most ${MAX_TEMPLATE_FIELDS} fields`,
  );

const receiver = z.strictObject({
  name,
  slack: z
    .strictObject({ channel: slackChannel, mention: userGroup.exactOptional() })
    .exactOptional(),
  webhook: z
    .strictObject({
      url: address.exactOptional(),
      urlFile: text.exactOptional(),
      secret: text.exactOptional(),
      secretFile: text.exactOptional(),
      template: template.exactOptional(),
      escape: z.enum(ESCAPES).exactOptional(),
    })
    .exactOptional(),
  pagerduty: z
    .strictObject({
      routingKey: text.exactOptional(),
      routingKeyFile: text.exactOptional(),
      url: address.default('https://events.pagerduty.com/v2/enqueue'),
    })
    .exactOptional(),
  email: z.strictObject({ to: z.array(z.email()).min(1).max(MAX_LIST) }).exactOptional(),
});

const route = z.strictObject({
  match: z
    .strictObject({
      environments: names.exactOptional(),
      namespaces: names.exactOptional(),
      kinds: names.exactOptional(),
      labels: labels.exactOptional(),
      severities: z.array(z.enum(SEVERITIES)).min(1).exactOptional(),
      minSeverity: z.enum(SEVERITIES).exactOptional(),
      events: z.array(z.enum(EVENTS)).min(1).exactOptional(),
    })
    .prefault({}),
  receivers: receiverNames,
  continue: z.boolean().default(false),
});

const smtp = z.strictObject({
  host: text,
  port: z.int().min(1).max(65_535).default(587),
  tls: z.enum(['required', 'implicit', 'none']).default('required'),
  user: text.exactOptional(),
  password: text.exactOptional(),
  passwordFile: text.exactOptional(),
  from: text,
});

export const notifications = z.strictObject({
  receivers: z.array(receiver).max(MAX_RECEIVERS).default([]),
  routes: z.array(route).max(MAX_ROUTES).default([]),
  default: receiverNames.exactOptional(),
  retryRefusedAfter: duration(SECOND_MS, DAY_MS).prefault('15m'),
  dashboard: address
    .includes(EPISODE_PLACEHOLDER, { error: `expected a URL that contains ${EPISODE_PLACEHOLDER}` })
    .exactOptional(),
  smtp: smtp.exactOptional(),
});
