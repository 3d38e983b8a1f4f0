/** What the help of a command shows of its use. */
export const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  drifts: [
    'realign drifts --environment prod --severity high',
    'realign drifts --status all -o json',
  ],
  show: ['realign show prod/Deployment/shop/checkout'],
  plan: ['realign plan prod/Deployment/shop/checkout'],
  ask: ['realign ask prod/Deployment/shop/checkout'],
  approve: [
    'realign approve prod/Deployment/shop/checkout --reason "nobody planned this"',
    'realign approve d0cf247c5b1e0-1',
  ],
  reject: ['realign reject prod/Deployment/shop/checkout --reason "a load test runs"'],
  accept: ['realign accept prod/ConfigMap/shop/settings --reason "this is what we want"'],
  snooze: ['realign snooze prod/Deployment/shop/checkout --for 1h'],
  analyze: ['realign analyze --wait', 'realign analyze --fail-on high --environment prod'],
  rollback: ['realign rollback shop-prod/release-7 --dry-run'],
  correct: ['realign correct --filter production-drift --dry-run'],
  promote: [
    'realign promote staging prod --dry-run',
    'realign promote staging prod --unit checkout',
  ],
  compare: ['realign compare --desired unit.yaml --live live.yaml'],
  'policy test': [
    'realign show prod/Deployment/shop/checkout -o json > drift.json',
    'realign policy test --drift drift.json --filter manual-review',
  ],
  units: ['realign units --space shop-prod', `realign units --where "Labels.tier = 'critical'"`],
  'live-state': ['realign live-state shop-prod/checkout'],
};
