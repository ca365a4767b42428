import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SparkPlugError } from '../../errors.ts';
import { awsCodeOf, mapAwsFailure } from './map-aws-failure.ts';
import { readHourlyPrice } from './scaling-calls.ts';

function failure(name: string, message = '', more: object = {}): Error {
  return Object.assign(new Error(message), { name, $metadata: { requestId: 'r-1' }, ...more });
}

test('what AWS says becomes a code', () => {
  const cases: readonly (readonly [Error, string])[] = [
    [failure('CredentialsProviderError', 'Could not load credentials from any providers'), 'AWS_NO_CREDENTIALS'],
    [failure('AuthFailure', 'AWS was not able to validate the provided access credentials'), 'AWS_NO_CREDENTIALS'],
    [failure('ExpiredTokenException'), 'AWS_NO_CREDENTIALS'],
    [failure('Error', 'Region is missing'), 'AWS_NO_REGION'],
    [failure('UnauthorizedOperation', 'You are not authorized to perform this operation.'), 'AWS_DENIED'],
    [failure('VcpuLimitExceeded'), 'AWS_QUOTA'],
    [failure('MaxSpotInstanceCountExceeded'), 'AWS_QUOTA'],
    [failure('InvalidInstanceType'), 'AWS_TYPE_UNKNOWN'],
    [failure('InvalidParameterValue', 'Invalid value: invalid instance type'), 'AWS_TYPE_UNKNOWN'],
    [failure('InsufficientInstanceCapacity'), 'AWS_TYPE_UNAVAILABLE'],
    [failure('Unsupported', 'not supported in your requested Availability Zone'), 'AWS_TYPE_UNAVAILABLE'],
    [failure('VPCIdNotSpecified', 'No default VPC for this user'), 'AWS_NO_DEFAULT_VPC'],
    [failure('InvalidKeyPair.NotFound'), 'AWS_KEY_MISSING'],
    [failure('InvalidAMIID.NotFound'), 'AWS_IMAGE_MISSING'],
    [failure('AuthFailure', 'Not authorized for images: [ami-1]'), 'AWS_IMAGE_MISSING'],
    [failure('Error', 'connect', { code: 'ECONNREFUSED' }), 'AWS_UNREACHABLE'],
    [failure('TimeoutError'), 'AWS_UNREACHABLE'],
    [failure('RequestLimitExceeded', 'Request limit exceeded.'), 'AWS_FAILED'],
    [failure('InternalError', '', { $metadata: { httpStatusCode: 500 } }), 'AWS_FAILED'],
    [failure('SomethingNew', 'what nobody has seen'), 'AWS_FAILED'],
  ];
  for (const [error, code] of cases) {
    const mapped = mapAwsFailure('ec2:RunInstances', error);
    assert.ok(mapped instanceof SparkPlugError && mapped.code === code, `${error.name}: ${String(mapped)}`);
    assert.ok((mapped.hint ?? '').length > 10);
  }
});

test('a missing right is named as AWS names it, without the encoded message', () => {
  const said =
    'You are not authorized to perform this operation. User: arn:aws:iam::1:user/x is not authorized to perform: iam:PassRole on resource: arn:x. Encoded authorization failure message: abcdef';
  const mapped = mapAwsFailure('ec2:RunInstances', failure('UnauthorizedOperation', said));
  assert.ok(mapped instanceof SparkPlugError);
  assert.equal(mapped.place, 'iam:PassRole');
  assert.ok(!mapped.met?.includes('abcdef') && mapped.met?.includes('request r-1'));
  assert.equal(awsCodeOf(mapped), 'UnauthorizedOperation');
});

test('an abort and our own errors stay what they are', () => {
  const abort = failure('AbortError');
  assert.equal(mapAwsFailure('x', abort), abort);
  const own = new SparkPlugError('USAGE', 'x');
  assert.equal(mapAwsFailure('x', own), own);
  assert.equal(awsCodeOf(own), null);
});

test('of the price service’s documents the hourly price above 0 counts', () => {
  const document = (unit: string, USD: string) =>
    JSON.stringify({ terms: { OnDemand: { a: { priceDimensions: { b: { unit, pricePerUnit: { USD } } } } } } });
  assert.equal(
    readHourlyPrice([document('Hrs', '0.0000'), document('Hrs', '0.1920'), document('Quantity', '0.01')]),
    0.192,
  );
  assert.equal(readHourlyPrice([]), null);
  assert.equal(readHourlyPrice(['{}']), null);
});
