/** What the account may run, and what its region has; loaded when somebody wants to know. */
import { DescribeInstanceTypeOfferingsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { GetServiceQuotaCommand, ServiceQuotasClient } from '@aws-sdk/client-service-quotas';

/** Of a quota; null where it has none. */
export async function quotaValue(ServiceCode: string, QuotaCode: string): Promise<number | null> {
  const { Quota } = await new ServiceQuotasClient({}).send(
    new GetServiceQuotaCommand({ ServiceCode, QuotaCode }),
  );
  return Quota?.Value ?? null;
}

/** Which of these types of instances the region has. */
export async function offeredTypes(types: readonly string[]): Promise<ReadonlySet<string>> {
  const { InstanceTypeOfferings = [] } = await new EC2Client({}).send(
    new DescribeInstanceTypeOfferingsCommand({
      LocationType: 'region',
      Filters: [{ Name: 'instance-type', Values: [...types] }],
    }),
  );
  return new Set(InstanceTypeOfferings.flatMap(({ InstanceType: type }) => type ?? []));
}
