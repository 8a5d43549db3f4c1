/** What docs/scale.md says of costs, worked out again from the templates, the page's own rates, and docs/prices.json. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseConfig } from '../../cdk/config.ts';
import { page, tableUnder } from '../docs/support.ts';
import { deployed } from './deployed.ts';
import type { Deployed } from './deployed.ts';
import { PRICES, UNDATED, dollars, lessFree, priceOf, rows, total } from './prices.ts';
import type { Quantities } from './prices.ts';
import type { Synthesised } from './support.ts';
import {
  aMillion,
  gpuHour,
  idleMonth,
  lookSecondsOfPage,
  millionPictures,
  smallTraining,
  tenThousand,
} from './usage.ts';

/** Types that cost nothing, or only by what goes through them, which the tables count. */
const BY_USE = `
  ApiGatewayV2::Api ApiGatewayV2::Integration ApiGatewayV2::Route ApiGatewayV2::Stage
  Batch::ComputeEnvironment Batch::JobDefinition Batch::JobQueue Events::Rule
  EC2::InternetGateway EC2::LaunchTemplate EC2::Route EC2::RouteTable EC2::SecurityGroup
  EC2::Subnet EC2::SubnetRouteTableAssociation EC2::VPC EC2::VPCGatewayAttachment
  IAM::InstanceProfile IAM::Policy IAM::Role Lambda::Function Lambda::Permission
  Logs::LogGroup S3::Bucket S3::BucketPolicy SNS::Topic SNS::TopicPolicy SQS::Queue SQS::QueuePolicy`;
/** What the tables count one by one, or what has to be of a kind that costs nothing. */
const COUNTED = `
  CloudWatch::Alarm CloudWatch::Dashboard Lambda::EventSourceMapping Logs::MetricFilter EC2::VPCEndpoint`;

/** Spot is not always to be had. */
const WITHOUT_SPOT: Readonly<Record<string, string>> = {
  fargateSpotCpu: 'fargateCpu',
  fargateSpotMemory: 'fargateMemory',
  gpuSpot: 'gpu',
};

function onDemand(quantities: Quantities): Quantities {
  const named = Object.entries(quantities).map(([name, amount]) => [WITHOUT_SPOT[name] ?? name, amount]);
  return Object.fromEntries(named) as Quantities;
}

/** Fails with the rows to put there: those of each price, and the sums. */
function holds(
  heading: string,
  scenarios: readonly Quantities[],
  sums: Readonly<Record<string, (all: Quantities) => number>>,
): void {
  const names = Object.keys(PRICES.prices).filter((name) => scenarios.some((all) => all[name] !== undefined));
  const expected = [
    ...rows(names, scenarios),
    ...Object.entries(sums).map(([label, sum]) => [label, '', '', ...scenarios.map(sum).map(dollars)]),
  ];
  const lines = expected.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  assert.deepEqual(
    tableUnder(page('docs/scale.md'), heading),
    expected,
    `Under "${heading}" has to be:\n${lines}\n`,
  );
}

/** @param made with the defaults */
export function describeCosts(made: Synthesised): void {
  describe('the costs in docs/scale.md', () => {
    const there = deployed(made);

    it('count all that costs something while nobody uses it', () => {
      const known = new Set(`${BY_USE} ${COUNTED}`.split(/\s+/).map((type) => `AWS::${type}`));

      assert.deepEqual(
        there.types.filter((type) => !known.has(type)),
        [],
        'what is new has to be counted, or noted in test/cdk/costs.ts as paid by use',
      );
      assert.deepEqual(there.endpoints, ['Gateway'], 'another kind is paid for by the hour');
      assert.equal(there.routeMetrics, false, 'each route would have six metrics of its own to pay for');
    });

    it('say what a month costs', () => {
      holds('### A month', [idleMonth(there), tenThousand(there), aMillion(there)], {
        together: (all) => total(all),
        'less what is free each month': (all) => total(all, lessFree),
      });
    });

    it('say what choices save', () => {
      const choices: Readonly<Record<string, Partial<Deployed>>> = {
        'the defaults': {},
        '`api.lookSeconds` 60': { lookSeconds: 60 },
        '`tracing` false': { traced: false },
        both: { lookSeconds: 60, traced: false },
      };
      const expected = Object.entries(choices).map(([name, choice]) => {
        const all = aMillion({ ...there, ...choice });
        return [name, ...[total(all), total(all, lessFree)].map(dollars)];
      });
      const lines = expected.map((cells) => `| ${cells.join(' | ')} |`).join('\n');

      assert.equal(lookSecondsOfPage(), there.lookSeconds);
      assert.deepEqual(
        tableUnder(page('docs/scale.md'), '### What choices save'),
        expected,
        `It has to be:\n${lines}\n`,
      );
    });

    it('say what trainings and a million pictures cost', () => {
      assert.equal(priceOf('gpu').of, parseConfig().training.gpu.instanceTypes[0]);
      holds('### Once', [smallTraining(there), gpuHour(there), millionPictures(there)], {
        together: (all) => total(all),
        'without Spot': (all) => total(onDemand(all)),
      });
    });

    it('say of when the prices are', () => {
      const { text } = page('docs/scale.md');
      const dates = Object.values(PRICES.prices).flatMap(({ pages }) => Object.values(pages));
      const [latest] = dates
        .filter((date) => date !== UNDATED)
        .toSorted()
        .toReversed();

      assert.match(text, new RegExp(`Prices of ${PRICES.region}, looked up on ${PRICES.lookedUp}\\s`));
      assert.match(text, new RegExp(`the latest of ${latest};`));
    });
  });
}
