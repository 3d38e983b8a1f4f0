import { availabilityLineOf, costLineOf } from '../drift/advice/advice-lines.ts';
import { DEFAULT_RULE } from '../drift/decide/policy.ts';
import type { Episode, Question } from '../drift/decide/record.ts';
import { makeMessageView } from '../drift/message/make-message-view.ts';
import { looksLikeProduction, type MessageView } from '../drift/message/message-view.ts';
import { clusterNameOf } from '../lib/cluster-name.ts';
import { EPISODE_PLACEHOLDER } from '../lib/config-schema-notifications.ts';
import type { LoadSubject } from '../lib/known-subject.ts';
import { type Message, renderDrift } from '../slack/render.ts';
import type { Parts } from './parts.ts';

/** Of one episode; older ones say nothing that a message shows. */
const MAX_QUESTIONS = 20;

/** Reads all that messages say of an episode or promotion from Postgres. */
export function createSubjects({
  store,
  config,
  workflowUrl,
}: Pick<Parts, 'store' | 'config' | 'workflowUrl'>): LoadSubject {
  const isProduction = (name: string) => {
    const labels = config.environments.find((one) => one.name === name)?.labels;
    return looksLikeProduction(name, labels);
  };
  // Clusters are called as their first environment: of the only one that would mislead.
  const clusters = new Set(
    config.environments.map((one) => clusterNameOf(config.environments, one.name)),
  );
  const hasClusters = clusters.size > 1;
  const clusterOf = (name: string) => {
    const isKnown = config.environments.some((one) => one.name === name);
    return isKnown && hasClusters ? clusterNameOf(config.environments, name) : undefined;
  };
  const { slack, notifications } = config;
  const { dashboard } = notifications;
  const bases = [config.temporal.uiUrl, ...(dashboard?.split(EPISODE_PLACEHOLDER, 1) ?? [])];
  const pageOf = (subject: string) =>
    dashboard === undefined
      ? {}
      : { dashboard: dashboard.replaceAll(EPISODE_PLACEHOLDER, encodeURIComponent(subject)) };
  const onWeb = slack.mode === 'off' ? [] : slack.approveOnWeb;
  return async (subject) => {
    const [episode, questions, notices] = await Promise.all([
      store.episodes.find(subject),
      store.questions.listOf(subject, MAX_QUESTIONS),
      store.notices.listOf(subject),
    ]);
    const [question] = questions;
    const [decisions, steps, analysis] = await Promise.all([
      question ? store.decisions.listFor(question.id) : [],
      isBeingFixed(episode) ? store.episodes.listSteps(subject) : [],
      analysisOf(store, episode, question),
    ]);
    const finding = episode?.finding ?? question?.finding;
    const environment = episode?.ref.environment ?? question?.environment ?? '';
    const reached = question?.plans.flatMap((one) => one.reach.map((it) => it.environment)) ?? [];
    const cluster = clusterOf(environment);
    const costLine = costLineOf(finding);
    const availabilityLine = availabilityLineOf(finding);
    const workflowId = episode?.workflowId ?? question?.workflowId ?? '';
    const view = makeMessageView({
      ...(episode && { episode }),
      ...(question && { question }),
      ...{ decisions, steps },
      ...(cluster !== undefined && { cluster }),
      ...(analysis?.note && { note: analysis.note }),
      ...(costLine !== undefined && { costLine }),
      ...(availabilityLine !== undefined && { availabilityLine }),
      isProduction: [environment, ...reached].some(isProduction),
      approvalChannel: onWeb.includes(environment) ? 'web' : 'slack',
      links: { bases, workflow: workflowUrl(workflowId, episode?.runId), ...pageOf(subject) },
    });
    if (!view) return undefined;
    const rule = config.policies.find((one) => one.name === view.rule) ?? DEFAULT_RULE;
    return {
      ...{ subject, view, questions, notices, reminders: rule.remindersAt.length },
      ...(rule.receivers && { ruleReceivers: rule.receivers }),
      place: placeOf(view, episode),
    };
  };
}

/** What people read of an episode in Slack, whether they have one or not. */
export function createMessageOf(parts: Parameters<typeof createSubjects>[0]) {
  const load = createSubjects(parts);
  return async (episodeId: string): Promise<Message | undefined> => {
    const found = await load(episodeId);
    return found && renderDrift(found.view);
  };
}

function placeOf({ environment, ref, severity }: MessageView, episode: Episode | undefined) {
  const { namespace = '', kind = '' } = ref ?? {};
  return { environment, namespace, kind, severity, labels: episode?.labels ?? {} };
}

/** Steps of a drift that nobody works on are not shown. */
function isBeingFixed(episode: Episode | undefined): boolean {
  return episode?.finding !== undefined && episode.outcome !== 'tracked';
}

async function analysisOf(
  store: Parts['store'],
  episode: Episode | undefined,
  question: Question | undefined,
) {
  const finding = episode?.finding ?? question?.finding;
  const subject = episode?.episodeId ?? question?.episodeId;
  if (!finding || subject === undefined) return undefined;
  return store.analyses.find(subject, finding.diffDigest);
}
