import { expect, it } from 'vitest';
import { AppError, type ErrorCode } from '../lib/errors.ts';
import { refusalOf } from './dry-run-refusal.ts';

const CANARY = 'canary-5f1d';

function answer(code: ErrorCode, status: number, message: string, fields: readonly string[] = []) {
  const causes = fields.map((field) => ({ reason: 'FieldValueInvalid', message: CANARY, field }));
  return refusalOf(new AppError(code, message, { details: { status, causes } }));
}

it.each([
  [
    400,
    'strict decoding error: unknown field "spec.foo", unknown field "data[\\"x\\"]"',
    'spec.foo',
  ],
  [
    500,
    'failed to create typed patch object (shop/web; apps/v1, Kind=Deployment): .spec.template.spec.containers[name="a"].foo: field not declared in schema',
    'spec.template.spec.containers[name="a"].foo',
  ],
  [
    500,
    `failed to create typed patch object: .data.key: expected string, got &value.valueUnstructured{Value:"${CANARY}"}`,
    'a field of what is desired',
  ],
])('%i for what the schema does not know is invalid desired state', (status, message, field) => {
  const refusal = answer('KUBERNETES_REFUSED', status, message);
  expect(refusal?.kind).toBe('invalid-desired');
  expect(refusal?.because).toContain(field);
  expect(refusal?.because).not.toContain(CANARY);
});

it('422 names the fields and quotes nothing', () => {
  const fields = ['data', 'data', 'spec.selector'];
  const message = `Secret "a" is invalid: data: Invalid value: "${CANARY}"`;
  expect(answer('KUBERNETES_REFUSED', 422, message, fields)).toEqual({
    kind: 'unrepairable',
    because: 'the API server would refuse to set data, spec.selector',
  });
});

it.each([
  [
    'KUBERNETES_FORBIDDEN',
    403,
    'the identity for repairs may not apply it, or admission denies it',
  ],
  ['KUBERNETES_REFUSED', 400, 'the API server refused the dry run (400)'],
  ['CONFLICT', 409, 'the API server refused the dry run (409)'],
] as const)('%s is no confirmation', (code, status, because) => {
  const message = `admission webhook "a" does not support dry run: ${CANARY}`;
  expect(answer(code, status, message)).toEqual({ kind: 'unconfirmed', because });
});

it('is for another try where the server is away', () => {
  expect(answer('KUBERNETES_UNAVAILABLE', 503, 'overloaded')).toBeUndefined();
});
