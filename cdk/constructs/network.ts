/** Where trainings run: public subnets that nobody can reach from outside, so that there is no NAT to pay for. */
import { Fn } from 'aws-cdk-lib';
import {
  GatewayVpcEndpointAwsService,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import { accept } from './permissions.ts';

export class Network extends Construct {
  readonly vpc: IVpc;
  /** Out, but not in. */
  readonly securityGroup: SecurityGroup;

  /** @param zones how many availability zones to spread over */
  constructor(scope: Construct, id: string, { zones }: { readonly zones: number }) {
    super(scope, id);
    const vpc = new Vpc(this, 'Vpc', {
      // By number, so that no account has to be asked while the template is made.
      availabilityZones: Array.from({ length: zones }, (_, i) => Fn.select(i, Fn.getAzs())),
      natGateways: 0,
      subnetConfiguration: [{ name: 'Public', subnetType: SubnetType.PUBLIC, cidrMask: 20 }],
      gatewayEndpoints: { S3: { service: GatewayVpcEndpointAwsService.S3 } },
      // Would be a function of its own; nothing here uses the default group.
      restrictDefaultSecurityGroup: false,
    });
    // The library is not made for exactOptionalPropertyTypes.
    this.vpc = vpc as IVpc;
    this.securityGroup = new SecurityGroup(this, 'SecurityGroup', {
      vpc: this.vpc,
      description: 'Trainings: out to S3, ECR and CloudWatch, nothing in',
      allowAllOutbound: false,
    });
    this.securityGroup.addEgressRule(
      Peer.anyIpv4(),
      Port.HTTPS,
      'what AWS and registries of images answer on',
    );
    accept(
      vpc,
      'VPC7',
      'No flow logs: the security group lets nothing in, and trainings talk to S3, ECR, ECS and CloudWatch only, which CloudTrail notes. Add them where rules ask for them.',
    );
  }
}
