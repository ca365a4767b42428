// What the SDK throws → our codes. A service's own error code stays readable by `awsCodeOf`.
import { SparkPlugError } from '../../errors.ts';

interface AwsFailure extends Error {
  readonly code?: string;
  readonly $metadata?: { readonly requestId?: string; readonly httpStatusCode?: number };
}

const missingCredentials = new Set([
  'CredentialsProviderError',
  'TokenProviderError',
  'InvalidClientTokenId',
  'InvalidAccessKeyId',
  'UnrecognizedClientException',
  'SignatureDoesNotMatch',
  'InvalidSignatureException',
  'IncompleteSignature',
  'MissingAuthenticationToken',
  'ExpiredToken',
  'ExpiredTokenException',
  'RequestExpired',
  'AuthFailure',
]);
const denied = new Set(['UnauthorizedOperation', 'AccessDenied', 'AccessDeniedException', 'OptInRequired', 'Blocked']);
const unavailable = new Set([
  'InsufficientInstanceCapacity',
  'InsufficientHostCapacity',
  'InsufficientReservedInstanceCapacity',
  'InsufficientFreeAddressesInSubnet',
  'InsufficientAddressCapacity',
  'SpotMaxPriceTooLow',
  'Unsupported',
]);
const noNetwork = new Set([
  'DefaultVpcDoesNotExist',
  'VPCIdNotSpecified',
  'MissingInput',
  'InvalidVpcID.NotFound',
  'InvalidVpcID.Malformed',
  'InvalidSubnetID.NotFound',
  'InvalidSubnetId.Malformed',
  'InvalidSubnet',
]);
const unreachable = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
  'TimeoutError',
]);

/** The service's own name of an error (`InvalidGroup.Duplicate`), null for what no service has said. */
export function awsCodeOf(error: unknown): string | null {
  if (!(error instanceof SparkPlugError) || !(error.cause instanceof Error)) return null;
  return (error.cause as AwsFailure).$metadata === undefined ? null : error.cause.name;
}

/** @param action as a policy names it: `ec2:RunInstances` */
export function mapAwsFailure(action: string, error: unknown): unknown {
  if (error instanceof SparkPlugError || !(error instanceof Error) || error.name === 'AbortError') return error;
  const failure = error as AwsFailure;
  const { name, message } = failure;
  const code = failure.code ?? name;
  const facts = { place: action, met: describe(failure), cause: error };
  if (/Region is missing|Invalid.* region|not a valid hostname component/i.test(message)) {
    return new SparkPlugError('AWS_NO_REGION', 'no region of AWS is chosen', {
      ...facts,
      hint: '--region eu-central-1, or AWS_REGION, or `region` in ~/.aws/config; `aws ec2 describe-regions` lists them',
    });
  }
  // A machine image of somebody else is told with the code of bad credentials.
  if (/^(InvalidAMIID|InvalidImageID)/.test(name) || /Not authorized for images/i.test(message)) {
    return new SparkPlugError('AWS_IMAGE_MISSING', 'the machine image is not there for this account', {
      ...facts,
      hint: 'sparkplug aws image list; sparkplug aws image build makes one in this account and region',
    });
  }
  if (missingCredentials.has(name) || /Could not load credentials|profile .*not.*found/i.test(message)) {
    return new SparkPlugError('AWS_NO_CREDENTIALS', 'AWS knows no valid credentials of yours', {
      ...facts,
      hint: 'aws configure (or aws sso login), AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or --profile NAME; a region that has to be enabled first refuses them as well',
    });
  }
  if (denied.has(name)) return describeDenial(action, failure);
  if (/^InvalidInstanceType|^InvalidInstanceTypes/.test(name) || /invalid.*instance type/i.test(message)) {
    return new SparkPlugError('AWS_TYPE_UNKNOWN', 'there is no instance type of this name in the region', {
      ...facts,
      hint: 'aws ec2 describe-instance-types lists them; t3.xlarge and m6i.large are nearly everywhere',
    });
  }
  if (unavailable.has(name)) {
    return new SparkPlugError('AWS_TYPE_UNAVAILABLE', 'AWS has no such machine to give here now', {
      ...facts,
      hint: 'another type, another zone (--subnet), without --spot, or the same again later: what was made stays and is used',
    });
  }
  // `RequestLimitExceeded` is EC2's word for throttling.
  if (/(?<!Request)LimitExceeded$|QuotaExceeded/.test(name) || name === 'MaxSpotInstanceCountExceeded') {
    return new SparkPlugError('AWS_QUOTA', 'a quota of the account is too low', {
      ...facts,
      hint: 'AWS console → Service Quotas → Amazon EC2: ask for more, or take fewer or smaller machines',
    });
  }
  if (noNetwork.has(name)) {
    return new SparkPlugError('AWS_NO_DEFAULT_VPC', 'the network for the machines is not there', {
      ...facts,
      hint: 'aws ec2 create-default-vpc, or name what there is: --vpc vpc-… or --subnet subnet-…',
    });
  }
  if (/^InvalidKeyPair/.test(name)) {
    return new SparkPlugError('AWS_KEY_MISSING', 'the key pair is not there in this region', {
      ...facts,
      hint: 'leave --key out, and one is made for the project; aws ec2 describe-key-pairs lists them',
    });
  }
  if (unreachable.has(code) || /socket hang up|network|ECONN/i.test(message)) return describeSilence(facts, failure);
  return new SparkPlugError('AWS_FAILED', `AWS refused ${action}: ${message}`, {
    ...facts,
    hint: isTransient(failure)
      ? 'the same command again goes on where it stopped'
      : 'if it is not clear what to mend: aws sts get-caller-identity, then docs/aws.md',
  });
}

function isTransient({ name, $metadata }: AwsFailure): boolean {
  return /Throttl|RequestLimit|Unavailable|InternalError/i.test(name) || ($metadata?.httpStatusCode ?? 0) >= 500;
}

function describe({ name, message, $metadata }: AwsFailure): string {
  // The encoded message is of use only to who may decode it, and 2 KiB long.
  const said = message.replace(/Encoded authorization failure message:.*$/s, '').trim();
  const request = $metadata?.requestId === undefined ? '' : ` (request ${$metadata.requestId})`;
  return `${name}: ${said}${request}`;
}

/** AWS names the missing right in most messages; else it is the one that was used. */
function describeDenial(action: string, failure: AwsFailure): SparkPlugError {
  const missing = /not authorized to perform:? ([a-z0-9-]+:\w+)/.exec(failure.message)?.[1] ?? action;
  return new SparkPlugError('AWS_DENIED', `the credentials do not permit ${missing}`, {
    place: missing,
    met: describe(failure),
    hint: `let somebody who administers the account add ${missing} to your policy; docs/aws.md has the whole policy`,
    cause: failure,
  });
}

function describeSilence(facts: { readonly place: string; readonly met: string }, failure: AwsFailure): SparkPlugError {
  const isUnknownName = failure.code === 'ENOTFOUND';
  return new SparkPlugError('AWS_UNREACHABLE', 'AWS does not answer', {
    ...facts,
    hint: isUnknownName
      ? 'check the name of the region (--region) and the way out of this network; then the same again'
      : 'check the way out of this network; the same command again goes on where it stopped',
  });
}
