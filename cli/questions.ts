import { AppError } from '../lib/errors.ts';
import { formatAge, printable, renderTable } from './output.ts';
import {
  looksLikeResource,
  parseResourceName,
  showResource,
  toResourceId,
} from './resource-name.ts';
import type { Query, Rest } from './rest.ts';
import { type QuestionAnswer, questionListSchema, questionSchema } from './wire.ts';

export function listQuestions(rest: Rest, query: Query = {}) {
  return rest.get('/api/v1/questions', questionListSchema, query);
}

/** The open question that an id or a resource means. NOT_FOUND if there is none, AMBIGUOUS naming the candidates if several. */
export async function findQuestion(rest: Rest, text: string): Promise<QuestionAnswer> {
  if (!looksLikeResource(text)) {
    return rest.get(`/api/v1/questions/${encodeURIComponent(text)}`, questionSchema);
  }
  const wanted = parseResourceName(text);
  const id = toResourceId({ kind: wanted.kind, namespace: wanted.namespace, name: wanted.name });
  const { questions } = await listQuestions(rest);
  const found = questions.filter(
    (question) =>
      question.resource_id === id &&
      (wanted.environment === undefined || wanted.environment === question.environment),
  );
  const [first, ...others] = found;
  if (!first) throw new AppError('NOT_FOUND', `no open question about ${showResource(wanted)}`);
  if (others.length > 0) {
    const candidates = found.map((one) => `${one.environment}/${showResource(wanted)}`);
    throw new AppError('AMBIGUOUS', `several environments ask: ${candidates.join(', ')}`);
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
    { title: 'SUMMARY', value: (question) => question.summary },
  ]);
}

/** What a person should have read before deciding: the difference, and exactly what each choice will do. */
export function describeQuestion(question: QuestionAnswer): string {
  const lines = [`${question.environment}: ${subject(question)} (${question.severity})`];
  lines.push(...question.summary.split('\n').map((line) => `  ${line}`));
  for (const plan of question.plans) {
    lines.push(`${plan.fix}: ${plan.description}`);
  }
  lines.push(`rule ${question.rule}, ${question.approvals.length} of ${question.quorum} approvals`);
  return lines.map(printable).join('\n');
}

function subject(question: QuestionAnswer): string {
  return question.resource_id?.replaceAll(':', '/') ?? question.unit ?? '-';
}
