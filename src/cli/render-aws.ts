// `aws …` as text.

import type { FleetPrice } from '../operations/aws/plan-fleet.ts';
import type { AwsPlanReport } from '../operations/aws/plan-on-aws.ts';
import type { AwsStatusReport } from '../operations/aws/status-on-aws.ts';
import type { AwsUpReport } from '../operations/aws/up-on-aws.ts';
import { formatTable } from './format.ts';
import { renderPlan } from './render-plan.ts';

export function renderAwsPlan({ account, region, fleet, price, plan }: AwsPlanReport): string {
  return [
    `account ${account}, ${region}: ${fleet}`,
    renderPrice(price),
    '',
    renderPlan({ json: plan, changes: null }),
  ].join('\n');
}

export function renderAwsStatus({ account, region, projects, project }: AwsStatusReport): string {
  const others = projects.filter((id) => id !== project?.id);
  const lines = [`account ${account}, ${region}`];
  if (project === null) lines.push('this folder has no machines here');
  else {
    lines.push(`${project.id}: ${project.wish ?? 'what it is to have is not known'}`);
    lines.push(
      formatTable(
        ['MACHINE', 'STATE', 'TYPE', 'ZONE', 'ADDRESS', 'HOST NAME', 'ID'],
        project.machines.map(({ name, state, type, spot, zone, address, hostname, id }) => [
          name,
          state,
          spot ? `${type} (spot)` : type,
          zone,
          address,
          hostname,
          id,
        ]),
      ),
    );
    for (const { name, min, max, running } of project.groups) {
      lines.push(`group ${name}: ${running} of ${min} to ${max}`);
    }
    if (project.price !== null) lines.push(renderPrice(project.price));
  }
  if (others.length > 0) lines.push(`other projects here: ${others.join(', ')}`);
  return lines.join('\n');
}

export function renderAwsUp({ account, region, machines, hourly, up }: AwsUpReport): string {
  const address = up.context === null ? '' : `, context ${up.context}`;
  return [
    formatTable(
      ['MACHINE', 'TYPE', 'ADDRESS', 'ID'],
      machines.map(({ name, type, spot, address: own, id }) => [name, spot ? `${type} (spot)` : type, own, id]),
    ),
    `account ${account}, ${region}${hourly === null ? '' : `, about $${hourly.toFixed(2)} an hour while it is up`}`,
    `REST: ${up.url} (revision ${up.revision}${address})`,
    ...(up.fingerprint === null ? [] : [`certificate SHA-256: ${up.fingerprint}`]),
    ...(up.login === null ? [] : [`dashboard (logs in once, within 10 minutes): ${up.login}`]),
    `next: ${[...up.next, 'sparkplug aws down', 'sparkplug aws destroy'].join('   ')}`,
  ].join('\n');
}

function renderPrice({ hourly, machines }: FleetPrice): string {
  const each = machines.map(({ name, count, type, spot, hourlyEach }) => {
    const price = hourlyEach === null ? 'price not told' : `$${hourlyEach.toFixed(4)}`;
    return `${name} ${count} × ${type}${spot ? ' (spot)' : ''} at ${price}`;
  });
  const sum = hourly === null ? 'the sum is not known' : `$${hourly.toFixed(2)} an hour`;
  return `list price: ${sum} (${each.join(', ')}; disks, addresses and traffic come on top)`;
}
