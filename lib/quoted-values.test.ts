import { expect, test } from 'vitest';
import { withoutQuotedValues } from './quoted-values.ts';

const SECRET = 'Secret "a" is invalid: data[x]';

test.each([
  [`${SECRET}: Invalid value: "canary"`, `${SECRET}: Invalid value: (redacted)`],
  [
    `${SECRET}: Invalid value: "canary": must be no more than 5 characters`,
    `${SECRET}: Invalid value: (redacted): must be no more than 5 characters`,
  ],
  [
    'a: Invalid value: "it says \\"canary\\": x", b: Unsupported value: "canary": supported values: "A"',
    'a: Invalid value: (redacted), b: Unsupported value: (redacted): supported values: "A"',
  ],
  ['a: Duplicate value: "canary"', 'a: Duplicate value: (redacted)'],
  ['a: Invalid value: "canary cut of', 'a: Invalid value: (redacted)'],
  ['a: Invalid value: "canary cut off\\', 'a: Invalid value: (redacted)'],
  ['a: Invalid value: "canary\nof two lines": no', 'a: Invalid value: (redacted): no'],
  ['a: Invalid value: `canary`: no', 'a: Invalid value: (redacted): no'],
  [
    'a: Invalid value: map[string]interface {}{"k":"canary: x"}: field is immutable',
    'a: Invalid value: (redacted): field is immutable',
  ],
  ['a: Invalid value: {"k": "canary"}', 'a: Invalid value: (redacted)'],
  ['a: Invalid value: {"k": canary', 'a: Invalid value: (redacted)'],
  ['a: Invalid value: core.Spec{A:"x", B: canary', 'a: Invalid value: (redacted)'],
  ['422 invalid value: "canary"', '422 invalid value: (redacted)'],
  [
    'decode base64: illegal data, error found in #10 byte of ...|"a":"canary"|..., bigger context ...',
    'decode base64: illegal data, error found in #10 byte of (redacted)',
  ],
  ['a: Invalid value: 70000: must be between', 'a: Invalid value: 70000: must be between'],
  ['unknown field "spec.foo"', 'unknown field "spec.foo"'],
  ['Conflict with "kubectl": .spec.replicas', 'Conflict with "kubectl": .spec.replicas'],
])('%j reads %j', (message, expected) => {
  expect(withoutQuotedValues(message)).toBe(expected);
  expect(withoutQuotedValues(expected)).toBe(expected);
});
