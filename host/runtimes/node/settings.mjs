// What the environment says about the function, read once, and the names under which AWS's clients keep things on
// shared objects, where monitoring libraries look for them.
export const { env } = process;

/** The value of a variable that the function is not to see. */
export function take(name) {
  const value = env[name];
  delete env[name];
  return value;
}

export const runtimeId = take('LAMBKIN_RUNTIME') ?? (env.AWS_EXECUTION_ENV ?? '').replace(/^AWS_Lambda_/, '');
export const runtimeMajor = Number(/^nodejs(\d+)/.exec(runtimeId)?.[1] ?? process.versions.node.split('.')[0]);
export const multiConcurrent = env.AWS_LAMBDA_MAX_CONCURRENCY !== undefined;
export const legacy = runtimeMajor <= 22 && !multiConcurrent;

export const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
export const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark');
export const LEGACY_REQUEST_ID = Symbol.for('aws.lambda.runtime.requestId');
export const LEGACY_TENANT_ID = Symbol.for('aws.lambda.runtime.tenantId');
export const BEFORE_EXIT = Symbol.for('aws.lambda.beforeExit');
export const REQUEST_ID = Symbol.for('_AWS_LAMBDA_REQUEST_ID');
export const X_RAY_TRACE_ID = Symbol.for('_AWS_LAMBDA_X_RAY_TRACE_ID');
export const TENANT_ID = Symbol.for('_AWS_LAMBDA_TENANT_ID');
