import { describe, expect, it } from 'vitest';
import { type Route, type RouteFacts, type RouteMatch, receiversFor } from './route.ts';

const FACTS: RouteFacts = {
  event: 'question',
  environment: 'prod',
  namespace: 'shop',
  kind: 'Deployment',
  labels: { team: 'checkout', tier: 'critical' },
  severity: 'high',
};

function route(match: RouteMatch, receiver: string, goesOn = false): Route {
  return { match, receivers: [receiver], continue: goesOn };
}

describe('receiversFor', () => {
  it('takes the first route that matches, and the default where none does', () => {
    const routes = [
      route({ environments: ['dev'] }, 'dev'),
      route({ environments: ['prod'] }, 'a'),
    ];
    expect(receiversFor([...routes, route({}, 'b')], ['default'], FACTS)).toEqual(['a']);
    expect(receiversFor(routes.slice(0, 1), ['default'], FACTS)).toEqual(['default']);
    expect(receiversFor([], [], FACTS)).toEqual([]);
  });

  it('goes on after a route that says so, names each receiver once, and needs no default then', () => {
    const routes = [
      route({}, 'a', true),
      route({ kinds: ['Secret'] }, 'never'),
      route({}, 'a', true),
    ];
    expect(receiversFor(routes, ['default'], FACTS)).toEqual(['a']);
    expect(receiversFor([...routes, route({}, 'b'), route({}, 'c')], [], FACTS)).toEqual([
      'a',
      'b',
    ]);
  });

  it.each([
    [{}],
    [{ namespaces: ['shop', 'jobs'] }],
    [{ kinds: ['Deployment'] }],
    [{ labels: { team: 'checkout' } }],
    [{ labels: { team: 'checkout', tier: 'critical' } }],
    [{ severities: ['high'] }],
    [{ minSeverity: 'medium' }],
    [{ events: ['failure', 'question'] }],
  ] satisfies [RouteMatch][])('%j matches', (match) => {
    expect(receiversFor([route(match, 'a')], ['default'], FACTS)).toEqual(['a']);
  });

  it.each([
    [{ environments: ['dev'] }],
    [{ namespaces: ['kube-system'] }],
    [{ kinds: ['Secret'] }],
    [{ labels: { team: 'search' } }],
    [{ labels: { team: 'checkout', tier: 'low' } }],
    [{ severities: ['critical'] }],
    [{ minSeverity: 'critical' }],
    [{ events: ['failure'] }],
    // All conditions must hold, not any.
    [{ environments: ['prod'], events: ['fix'] }],
  ] satisfies [RouteMatch][])('%j does not', (match) => {
    expect(receiversFor([route(match, 'a')], ['default'], FACTS)).toEqual(['default']);
  });
});
