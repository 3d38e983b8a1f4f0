import type { Notice } from '../decide/notice.ts';
import { formatResource } from '../resource-ref.ts';
import { writerName } from './digest-view.ts';
import type { MessageView } from './message-view.ts';

/** What machines are told of a drift, one plain value each. docs/notifications.md lists them. */
export const NOTIFICATION_FIELDS = [
  ...(['state', 'about', 'episode_id', 'severity', 'environment', 'cluster', 'resource'] as const),
  ...(['kind', 'namespace', 'name', 'unit', 'summary', 'changed_by', 'rule', 'because'] as const),
  ...(['fix', 'question_id', 'digest', 'quorum', 'approvals', 'expires_at', 'first_seen'] as const),
  ...(['ended_at', 'message', 'cost', 'availability', 'workflow_url'] as const),
] as const;
export type NotificationField = (typeof NOTIFICATION_FIELDS)[number];
export type Notification = Readonly<Partial<Record<NotificationField, string | number>>>;

export function notificationOf(view: MessageView): Notification {
  const { ref, question, links } = view;
  const all: { readonly [K in NotificationField]: string | number | undefined } = {
    state: view.state,
    about: view.about,
    episode_id: view.episodeId,
    severity: view.severity,
    environment: view.environment,
    cluster: view.cluster,
    resource: ref && formatResource(ref),
    kind: ref?.kind,
    namespace: ref?.namespace,
    name: ref?.name,
    unit: view.unit,
    summary: view.summary,
    changed_by: writerName(view),
    rule: view.rule,
    because: view.because,
    fix: view.fixes[0]?.description,
    question_id: question?.id,
    digest: question?.digest,
    quorum: question?.quorum,
    approvals: question?.approvals.length,
    expires_at: question?.expiresAt,
    first_seen: view.firstSeen,
    ended_at: view.endedAt,
    message: view.message,
    cost: view.costLine,
    availability: view.availabilityLine,
    workflow_url: links.workflow,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** A notice that stands for itself. */
export function notificationOfNotice(notice: Notice): Notification {
  const { kind, environment, episodeId, message } = notice;
  return { state: kind, about: 'notice', episode_id: episodeId, environment, summary: message };
}
