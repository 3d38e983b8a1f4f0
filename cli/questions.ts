import { AppError } from '../lib/errors.ts';
import { formatAge, printable, renderTable } from './output.ts';
import { describeDetail, showValue } from './records.ts';
import { looksLikeResource, showResource, toResourceId } from './resource-name.ts';
import type { Query, Rest } from './rest.ts';
import { type QuestionAnswer, questionListSchema, questionSchema } from './wire.ts';

/** The most that one answer of the api holds. */
const MAX_QUESTIONS = 1_000;

export function listQuestions(rest: Rest, query: Query = {}) {
  return rest.get('/api/v1/questions', questionListSchema, query);
}

/** The open question that an id or a resource means. NOT_FOUND if there is none, AMBIGUOUS naming the candidates if several. */
export async function findQuestion(rest: Rest, text: string): Promise<QuestionAnswer> {
  if (!looksLikeResource(text)) {
    return rest.get(`/api/v1/questions/${encodeURIComponent(text)}`, questionSchema);
  }
  const id = toResourceId(text);
  const { questions } = await listQuestions(rest, { limit: MAX_QUESTIONS });
  const found = questions.filter((question) =>
    [question.resource_id, `${question.environment}:${question.resource_id}`].includes(id),
  );
  const [first, ...others] = found;
  if (!first) throw new AppError('NOT_FOUND', `no question about ${text} is open`);
  if (others.length > 0) {
    const candidates = found.map((one) => `${one.environment}:${one.resource_id}`);
    throw new AppError('AMBIGUOUS', `${text} may mean ${candidates.join(' or ')}`);
  }
  return first;
}

export function renderQuestions(questions: readonly QuestionAnswer[]): string {
  if (questions.length === 0) return 'Nothing waits for a decision.';
  return renderTable(questions, [
    { title: 'QUESTION', value: (question) => question.id },
    { title: 'ENVIRONMENT', value: (question) => question.environment },
    { title: 'ABOUT', value: subject },
    { title: 'SEVERITY', value: (question) => question.severity },
    { title: 'APPROVALS', value: ({ approvals, quorum }) => `${approvals.length}/${quorum}` },
    { title: 'ASKED', value: (question) => `${formatAge(question.asked_at)} ago` },
    { title: 'EXPIRES', value: (question) => `in ${formatAge(question.expires_at)}` },
    { title: 'SUMMARY', value: summary },
  ]);
}

/** What a person should have read before deciding: the difference, and exactly what each choice will change. */
export function describeQuestion(question: QuestionAnswer): string {
  const { drift_details: details, plans, approvals, quorum } = question;
  const lines = [`${question.environment}: ${subject(question)} (${question.severity})`];
  lines.push(`  ${summary(question)}`);
  lines.push(...details.map((detail) => `  ${describeDetail(detail)}`));
  if (question.resource_id) lines.push(`  made by ${authorsOf(question)}`);
  if (question.because) lines.push(`  asked because ${question.because}`);
  for (const fight of question.fights ?? []) {
    lines.push(
      `  ${fight.opponent} insists on ${fight.field}: approve to enforce the declared value for a while, accept to adopt the live one`,
    );
    if (!fight.ignore_rule) continue;
    lines.push('  or leave the field to it from now on: add this to realign.yaml, and restart');
    lines.push(...fight.ignore_rule.split('\n').map((line) => `    ${line}`));
  }
  lines.push(...plans.flatMap(describePlan));
  lines.push(`rule ${question.rule}, ${approvals.length} of ${quorum} approvals`);
  return lines.map(printable).join('\n');
}

/** Its steps, and everything that they will change. */
export function describePlan(plan: QuestionAnswer['plans'][number]): readonly string[] {
  return [...describeSteps(plan), ...plan.reach.map(describeEntry)];
}

function describeEntry(entry: QuestionAnswer['plans'][number]['reach'][number]): string {
  const { environment, resource, path, from, to, kept_by: keptBy, deleted } = entry;
  if (deleted) return `  deletes ${environment}/${resource}`;
  const kept = keptBy ? `, which rule ${keptBy} keeps` : '';
  return `  changes ${environment}/${resource} ${path}: ${showValue(from)} → ${showValue(to)}${kept}`;
}

/** A plan of one step is that step; a description that only repeats several is left out, what it adds to them is not. */
function describeSteps({ fix, description, steps }: QuestionAnswer['plans'][number]) {
  if (steps.length <= 1) return [`${fix}: ${description}`];
  const listed = steps.map((step) => step.description).join(', then ');
  const more = description.startsWith(listed)
    ? description.slice(listed.length)
    : `: ${description}`;
  const lines = steps.map((step, index) => `  ${index + 1}. ${step.description}`);
  return [`${fix} in ${steps.length} steps${more}`, ...lines];
}

function authorsOf({ author, possible_authors: possible }: QuestionAnswer): string {
  if (author) return author;
  return possible?.length ? `somebody, possibly ${possible.join(' or ')}` : 'somebody unknown';
}

/** Without the resource that a summary begins with, which has a column of its own. */
function summary(question: QuestionAnswer): string {
  const begin = `${subject(question)}: `;
  return question.summary.startsWith(begin)
    ? question.summary.slice(begin.length)
    : question.summary;
}

function subject(question: QuestionAnswer): string {
  if (!question.resource_id) return question.unit ?? '-';
  // Names of RBAC objects hold colons too.
  const [kind = '', namespace = '', ...name] = question.resource_id.split(':');
  return showResource({ kind, namespace, name: name.join(':') });
}
