import { NOTIFICATION_FIELDS } from '../drift/message/notification.ts';
import {
  type Escape,
  type TemplateText,
  toTemplateText,
  unknownFields,
} from '../drift/message/notification-template.ts';
import type { Route } from '../drift/message/route.ts';
import { withoutUndefined } from './config-environment.ts';
import { type Place, readSecret } from './config-files.ts';
import type { Path } from './config-problems.ts';
import type { ConfigFile } from './config-schema.ts';
import type { SlackConfig } from './config-slack.ts';
import { didYouMean } from './nearest-name.ts';

/** Somebody, or something, that can be told. Exactly one way of telling each. */
export type Receiver = { readonly name: string } & (
  | {
      readonly kind: 'slack';
      /** Id of the channel, or `#name`. */
      readonly channel: string;
      /** Id of a user group that questions call in. */
      readonly mention?: string;
    }
  | {
      readonly kind: 'webhook';
      readonly url: string;
      /** Signs what is sent. */
      readonly secret?: string;
      readonly template?: Readonly<Record<string, TemplateText>>;
    }
  | { readonly kind: 'pagerduty'; readonly url: string; readonly routingKey: string }
  | { readonly kind: 'email'; readonly to: readonly string[]; readonly smtp: Smtp }
);

type Smtp = {
  readonly host: string;
  readonly port: number;
  /** `required`: STARTTLS or nothing; `implicit`: TLS from the first byte. */
  readonly tls: 'required' | 'implicit' | 'none';
  readonly user?: string;
  readonly password?: string;
  readonly from: string;
};

export type NotificationsConfig = {
  readonly receivers: readonly Receiver[];
  readonly routes: readonly Route[];
  /** Receivers of what no route matches. */
  readonly default: readonly string[];
  /** What a receiver refused for good is tried again after so long: somebody may have mended it. */
  readonly retryRefusedMs: number;
  /** Address of the page of a drift, with `{episode}` in it. */
  readonly dashboard?: string;
};

/** What a receiver that the section `slack` makes is called. */
const SLACK_RECEIVER = 'slack';

type Section = ConfigFile['notifications'];

/**
 * The section `notifications`, and whom policies name. With a channel in the section `slack` there is a receiver of that name, which is
 * told what nobody else is.
 */
export function toNotifications(
  { notifications: section, policies }: Pick<ConfigFile, 'notifications' | 'policies'>,
  slack: SlackConfig,
  place: Place,
): NotificationsConfig {
  const channel = slack.mode === 'off' ? undefined : slack.channel;
  const named = section.receivers.flatMap((one, index) => toReceiver(section, one, index, place));
  const hasOwn = named.some((one) => one.name === SLACK_RECEIVER);
  const receivers: readonly Receiver[] =
    channel === undefined || hasOwn
      ? named
      : [...named, { name: SLACK_RECEIVER, kind: 'slack', channel }];
  const otherwise = section.default ?? (channel === undefined ? [] : [SLACK_RECEIVER]);
  refuseUnknown(section, policies, receivers, place);
  if (slack.mode === 'off') refuseSlack(section, place);
  const { routes, retryRefusedAfter: retryRefusedMs, dashboard } = section;
  return {
    ...{ receivers, routes, default: otherwise, retryRefusedMs },
    ...withoutUndefined({ dashboard }),
  };
}

const KINDS = ['slack', 'webhook', 'pagerduty', 'email'] as const;

function toReceiver(
  section: Section,
  entry: Section['receivers'][number],
  index: number,
  place: Place,
): readonly Receiver[] {
  const path = ['notifications', 'receivers', index];
  const refuse: Place['refuse'] = (at, message) => place.refuse([...path, ...at], message);
  const { name, slack, webhook, pagerduty, email } = entry;
  if (section.receivers.findIndex((one) => one.name === name) < index) {
    refuse(['name'], `"${name}" is there twice`);
  }
  if (KINDS.filter((kind) => entry[kind] !== undefined).length !== 1) {
    refuse([], `"${name}" needs exactly one of ${KINDS.join(', ')}`);
    return [];
  }
  const inside = { ...place, refuse };
  if (slack) return [{ name, kind: 'slack', ...slack }];
  if (webhook) {
    const template = webhook.template && toTemplate(webhook.template, webhook.escape, refuse);
    const url = readSecret(inside, ['webhook', 'url'], webhook.url, webhook.urlFile);
    const secret = readSecret(inside, ['webhook', 'secret'], webhook.secret, webhook.secretFile);
    if (url !== undefined && URL.canParse(url)) {
      return [{ name, kind: 'webhook', url, ...withoutUndefined({ secret, template }) }];
    }
    refuse(['webhook', 'url'], 'expected a URL, here or in the file of urlFile');
  } else if (pagerduty) {
    const { url, routingKey: inPlace, routingKeyFile } = pagerduty;
    const key = readSecret(inside, ['pagerduty', 'routingKey'], inPlace, routingKeyFile);
    if (key !== undefined) return [{ name, kind: 'pagerduty', url, routingKey: key }];
    refuse(['pagerduty', 'routingKey'], 'give routingKey or routingKeyFile');
  } else if (email) {
    if (section.smtp) {
      return [{ name, kind: 'email', to: email.to, smtp: toSmtp(section.smtp, place) }];
    }
    refuse(['email'], 'needs notifications.smtp, the server that takes mail');
  }
  return [];
}

function toTemplate(
  texts: Readonly<Record<string, string>>,
  how: Escape | undefined,
  refuse: Place['refuse'],
): Readonly<Record<string, TemplateText>> {
  const entries = Object.entries(texts).map(([field, text]): [string, TemplateText] => {
    const path = ['webhook', 'template', field];
    for (const unknown of unknownFields(text)) {
      const hint = didYouMean(unknown, NOTIFICATION_FIELDS);
      refuse(path, `there is no field "${unknown}"${hint}`);
    }
    const read = toTemplateText(text, how);
    if (!('problem' in read)) return [field, read];
    refuse(path, read.problem);
    return [field, { text, escapes: [] }];
  });
  return Object.fromEntries(entries);
}

function toSmtp(section: NonNullable<Section['smtp']>, place: Place): Smtp {
  const { password: inPlace, passwordFile, ...rest } = section;
  const refuse: Place['refuse'] = (at, message) => place.refuse(['notifications', ...at], message);
  const password = readSecret({ ...place, refuse }, ['smtp', 'password'], inPlace, passwordFile);
  return { ...rest, ...withoutUndefined({ password }) };
}

function refuseUnknown(
  section: Section,
  policies: ConfigFile['policies'],
  receivers: readonly Receiver[],
  place: Place,
): void {
  const entries = section.receivers.map((one) => one.name);
  // An entry that is refused for something else is not missing as well.
  const known = [...new Set([...entries, ...receivers.map((one) => one.name)])];
  const named: readonly (readonly [Path, readonly string[]])[] = [
    ...section.routes.map(
      (one, index) => [['notifications', 'routes', index, 'receivers'], one.receivers] as const,
    ),
    ...policies.map(
      (one, index) => [['policies', index, 'receivers'], one.receivers ?? []] as const,
    ),
    [['notifications', 'default'], section.default ?? []],
  ];
  for (const [path, names] of named) {
    for (const name of names) {
      if (known.includes(name)) continue;
      place.refuse(path, `there is no receiver "${name}"${didYouMean(name, known)}`);
    }
  }
}

function refuseSlack(section: Section, { refuse }: Place): void {
  section.receivers.forEach((one, index) => {
    const path = ['notifications', 'receivers', index, 'slack'];
    if (one.slack) refuse(path, 'needs a Slack app: set slack.botToken and what goes with it');
  });
}
