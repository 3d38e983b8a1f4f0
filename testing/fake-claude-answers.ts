import { isJsonObject, type JsonObject, type JsonValue } from '../drift/json.ts';

/** What a good model would say of a drift. */
export const GOOD_NOTE: JsonObject = {
  summary: 'Somebody scaled backend-api from 3 to 5 replicas by hand.',
  probableCause: 'A manual kubectl scale, probably during a load peak.',
  risk: 20,
  riskReason: 'Two pods are taken away again; three are declared.',
  effect: 'Five pods run instead of three.',
  recommendation: 'revert',
  confidence: 'high',
};

const GOOD_SUMMARY: JsonObject = {
  headline: 'Several workloads were scaled by hand within minutes.',
  patterns: ['kubectl-edit changed replicas'],
  likelyCause: 'One person answered a load peak by hand.',
  nextStep: 'Ask who scaled them before reverting.',
};

/** Texts that models have been seen to answer with although a schema was given, and worse. */
export const BAD_ANSWERS: Readonly<Record<string, string | JsonObject>> = {
  fenced: `\`\`\`json\n${JSON.stringify(GOOD_NOTE)}\n\`\`\``,
  prose: 'I would approve this change, it looks fine.',
  empty: '',
  'cut off': JSON.stringify(GOOD_NOTE).slice(0, 60),
  'a list': '[]',
  null: 'null',
  'a field too many': { ...GOOD_NOTE, patch_path: '/spec/replicas', patch_value: 999 },
  'an empty path': { fixes: [{ unit_id: 'another', patch_path: '', patch_value: 999 }] },
  "another unit's id": { ...GOOD_NOTE, unit_id: '11111111-1111-1111-1111-111111111111' },
  'a decision': { ...GOOD_NOTE, recommendation: 'approve' },
  'too much risk': { ...GOOD_NOTE, risk: 999 },
  'risk as text': { ...GOOD_NOTE, risk: 'low' },
  'a field missing': { summary: 'fine' },
  'a summary too long': { ...GOOD_NOTE, summary: 'x'.repeat(401) },
};

export function answerText(content: string | JsonObject): string {
  return typeof content === 'string' ? content : JSON.stringify(content);
}

/** Answers that fit what was asked for. */
export const FITTING_ANSWERS = {
  for(body: JsonObject): string {
    return answerText(wants(body, 'headline') ? GOOD_SUMMARY : GOOD_NOTE);
  },
};

function wants(body: JsonObject, property: string): boolean {
  const properties = at(at(at(at(body, 'output_config'), 'format'), 'schema'), 'properties');
  return at(properties, property) !== undefined;
}

function at(value: JsonValue | undefined, key: string): JsonValue | undefined {
  return isJsonObject(value) ? value[key] : undefined;
}
