import { AppError } from '../lib/errors.ts';

export type ResourceIdParts = {
  readonly environment?: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
};

/**
 * The ways to read `Kind:namespace:name` or `environment:Kind:namespace:name`. With four parts or more there are two,
 * because names of RBAC objects hold colons (`Role:kube-system:system:controller:x`). Throws INVALID_INPUT for fewer than three.
 */
export function readResourceId(text: string): readonly ResourceIdParts[] {
  const [first = '', second = '', third = '', ...rest] = text.split(':');
  const readings: ResourceIdParts[] = [];
  const short = [third, ...rest].join(':');
  if (first !== '' && short !== '') readings.push({ kind: first, namespace: second, name: short });
  const long = rest.join(':');
  if (second !== '' && long !== '') {
    readings.push({ environment: first, kind: second, namespace: third, name: long });
  }
  if (readings.length > 0) return readings;
  throw new AppError(
    'INVALID_INPUT',
    'a resource id is Kind:namespace:name or environment:Kind:namespace:name',
  );
}
