import type { Decision } from '../drift/decide/record.ts';
import { parseDurationMs } from '../lib/duration.ts';
import { AppError } from '../lib/errors.ts';
import { type OutputFormat, writeNote, writeResult } from './output.ts';
import { describeQuestion, findQuestion } from './questions.ts';
import { looksLikeResource, toResourceId } from './resource-name.ts';
import { createRest } from './rest.ts';
import { decisionSchema } from './wire.ts';

/**
 * Sends one person's decision. Without a digest the question is read and shown first, and its digest is sent along: should
 * the drift or its plan have changed in between, the api refuses instead of doing what nobody saw.
 */
export async function decide(request: {
  readonly decision: Decision;
  /** Question id or resource. */
  readonly about: string;
  readonly reason?: string;
  readonly digest?: string;
  readonly for?: string;
  readonly breakGlass?: boolean;
  readonly output: OutputFormat;
}): Promise<void> {
  const rest = createRest(process.env);
  if (request.for !== undefined && parseDurationMs(request.for) === undefined) {
    throw new AppError(
      'INVALID_INPUT',
      `--for ${request.for} is not a duration; write 30m, 1h or 2d`,
    );
  }
  const question =
    request.digest === undefined ? await findQuestion(rest, request.about) : undefined;
  if (question) writeNote(describeQuestion(question));
  const answer = await rest.post(
    question ? questionPath(question.id) : pathOf(request.about),
    decisionSchema,
    {
      decision: request.decision,
      digest: question?.digest ?? request.digest,
      ...(request.reason === undefined ? {} : { reason: request.reason }),
      ...(request.for === undefined ? {} : { snooze_for: request.for }),
      ...(request.breakGlass && { break_glass: true }),
    },
  );
  writeResult(request.output, answer, () => answer.message);
}

function questionPath(id: string): string {
  return `/api/v1/questions/${encodeURIComponent(id)}/decisions`;
}

function pathOf(about: string): string {
  if (!looksLikeResource(about)) return questionPath(about);
  const id = encodeURIComponent(toResourceId(about));
  return `/api/v1/drift-records/${id}/decisions`;
}
