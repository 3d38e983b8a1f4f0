import type { Severity } from '../../drift/field-change.ts';
import type { MessageState } from '../../drift/message/message-view.ts';
import { notificationOf, notificationOfNotice } from '../../drift/message/notification.ts';
import type { Receiver } from '../../lib/config-notifications.ts';
import { sha256 } from '../../lib/digest.ts';
import type { Draft, Notifier, Said } from '../../lib/notifier.ts';
import { postJson } from './post-json.ts';

/** https://developer.pagerduty.com/docs/send-alert-event */
const MAX_SUMMARY_CHARS = 1_024;
const MAX_KEY_CHARS = 255;

type Action = 'trigger' | 'acknowledge' | 'resolve';

/** Nothing is said of the other states: whoever is on call has no part in them. */
const ACTIONS: Readonly<Partial<Record<MessageState, Action>>> = {
  waiting: 'trigger',
  failed: 'trigger',
  'partly-fixed': 'trigger',
  notified: 'trigger',
  // It drifts as before, and nobody has looked.
  expired: 'trigger',
  approved: 'acknowledge',
  fixing: 'acknowledge',
  snoozed: 'acknowledge',
  fixed: 'resolve',
  rejected: 'resolve',
  'accepted-live': 'resolve',
  resolved: 'resolve',
};

const SEVERITIES: Readonly<Record<Severity, 'critical' | 'error' | 'warning' | 'info'>> = {
  critical: 'critical',
  high: 'error',
  medium: 'warning',
  low: 'info',
  info: 'info',
};

type Alert = {
  readonly action: Action;
  readonly key: string;
  /** What makes another trigger of the same alert worth sending. */
  readonly occasion: string;
  readonly payload: object;
  readonly links: readonly { readonly href: string; readonly text: string }[];
};

/** Tells PagerDuty: one alert for each drift, resolved with it. */
export function createPagerdutyNotifier({
  name,
  url,
  routingKey,
}: Extract<Receiver, { kind: 'pagerduty' }>): Notifier {
  return {
    threads: false,
    groups: false,
    compose(said): Draft | undefined {
      const alert = alertOf(said);
      if (!alert) return undefined;
      const { action, key, occasion, payload, links } = alert;
      return {
        fingerprint: sha256(`${action} ${occasion}`),
        async send({ correctsOnly }) {
          if (correctsOnly && action === 'trigger') return undefined;
          // To resolve what was never triggered does nothing.
          const event = {
            ...{ routing_key: routingKey, event_action: action, dedup_key: key },
            ...(action === 'trigger' && { payload, links, client: 'Realign' }),
          };
          await postJson(name, url, JSON.stringify(event));
          return { channel: name, ref: key };
        },
      };
    },
  };
}

function alertOf(said: Said): Alert | undefined {
  if (said.kind === 'notice') {
    const { id, environment, message } = said.notice;
    const details = notificationOfNotice(said.notice);
    const payload = payloadOf(message, environment, 'warning', details);
    return { action: 'trigger', key: keyOf(id), occasion: id, payload, links: [] };
  }
  if (said.kind !== 'headline') return undefined;
  const { view } = said;
  const action = ACTIONS[view.state];
  if (!action) return undefined;
  const { workflow } = view.links;
  // Approved and being fixed is one thing to whoever is on call.
  const occasion = action === 'trigger' ? view.state : action;
  const details = notificationOf(view);
  return {
    action,
    key: keyOf(view.episodeId),
    occasion: `${occasion} ${view.question?.id ?? ''}`,
    payload: payloadOf(view.summary, view.environment, SEVERITIES[view.severity], details),
    links: workflow === undefined ? [] : [{ href: workflow, text: 'Workflow' }],
  };
}

function payloadOf(summary: string, source: string, severity: string, custom_details: object) {
  return { summary: summary.slice(0, MAX_SUMMARY_CHARS), source, severity, custom_details };
}

function keyOf(id: string): string {
  return `realign-${id}`.slice(0, MAX_KEY_CHARS);
}
