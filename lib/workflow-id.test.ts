import { expect, it } from 'vitest';
import { analysisWorkflowId, driftWorkflowId, promotionWorkflowId } from './workflow-id.ts';

const checkout = {
  environment: 'prod',
  group: 'apps',
  kind: 'Deployment',
  namespace: 'shop',
  name: 'checkout',
};

it('names a drift by environment, kind with group, namespace and name, case kept', () => {
  expect(driftWorkflowId(checkout)).toBe('drift:prod:Deployment.apps:shop:checkout');
  expect(driftWorkflowId({ ...checkout, group: '', kind: 'Namespace', namespace: '' })).toBe(
    'drift:prod:Namespace:_:checkout',
  );
});

it('encodes what could be taken for a separator, byte by byte', () => {
  expect(driftWorkflowId({ ...checkout, name: 'system:node é%~' })).toBe(
    'drift:prod:Deployment.apps:shop:system%3Anode%20%C3%A9%25%7E',
  );
});

it('shortens long ids to 200 characters that still differ', () => {
  const long = (end: string) => driftWorkflowId({ ...checkout, name: 'x'.repeat(250) + end });
  expect(long('a')).toHaveLength(200);
  expect(long('a')).toBe(long('a'));
  expect(long('a')).not.toBe(long('b'));
  expect(long('a')).toMatch(/^drift:prod:Deployment\.apps:shop:x+~[0-9a-f]{32}$/);
});

it('names promotions and analysis runs', () => {
  expect(promotionWorkflowId('shop-prod', 'backend-api', 7)).toBe(
    'promotion:shop-prod:backend-api:7',
  );
  expect(analysisWorkflowId({})).toBe('analysis:all');
  expect(analysisWorkflowId({ environment: 'prod', resource: 'Service:shop:api' })).toBe(
    'analysis:prod:_:Service%3Ashop%3Aapi',
  );
});
