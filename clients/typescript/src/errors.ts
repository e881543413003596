// What a failed call is: one tree of errors, with the service's stable reason, its hint when to return, places.
// The kinds and their status codes are those of the Python clients (wire/failures.py).
import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../gen/google/rpc/error_details_pb.js";

/** What is wrong at which path of the message. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

/** A call that the service, or the way to it, refused. `retryAfter` is in seconds. */
export class ServiceError extends ConnectError {
  /** The name of its class; `name` stays ConnectError, by which the transport knows what it need not wrap. */
  readonly kind: string;
  readonly reason: string;
  readonly violations: readonly FieldViolation[];
  readonly retryAfter: number | undefined;

  constructor(from: ConnectError, code: Code = from.code) {
    super(from.rawMessage, code, from.metadata, undefined, from.cause);
    this.details = from.details;
    this.kind = new.target.name;
    this.reason = from.findDetails(ErrorInfoSchema)[0]?.reason ?? CODE_NAMES[code];
    this.violations = from
      .findDetails(BadRequestSchema)
      .flatMap((each) => each.fieldViolations.map(({ field, description }) => ({ field, description })));
    const delay = from.findDetails(RetryInfoSchema)[0]?.retryDelay;
    this.retryAfter = delay && Math.max(0, Number(delay.seconds) + delay.nanos / 1e9);
  }

  /** ConnectError takes every error of its own shape for an instance of whatever extends it. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === "object" && value !== null && Object.prototype.isPrototypeOf.call(this.prototype, value);
  }
}

/** Not reached, or it can do nothing just now. */
export class UnavailableError extends ServiceError {}
/** Too much at once; `retryAfter` may say when to return. */
export class ExhaustedError extends ServiceError {}
/** No answer in time. What was asked may have happened. */
export class TimeoutExceededError extends ServiceError {}
/** Given up, here or there. What was asked may have happened. */
export class CallCancelledError extends ServiceError {}
/** What was sent is wrong by itself; `violations` says where. */
export class InvalidError extends ServiceError {}
/** Nobody known has sent it. */
export class UnauthenticatedError extends ServiceError {}
/** Whoever has sent it may not. */
export class DeniedError extends ServiceError {}
/** There is no such thing. */
export class NotFoundError extends ServiceError {}
/** There is another such thing, or it was done before. */
export class ExistsError extends ServiceError {}
/** Not as things stand. */
export class PreconditionError extends ServiceError {}
/** A fault of the service, or another service. */
export class FaultError extends ServiceError {}

const CODE_NAMES: Record<Code, string> = {
  [Code.Canceled]: "CANCELLED",
  [Code.Unknown]: "UNKNOWN",
  [Code.InvalidArgument]: "INVALID_ARGUMENT",
  [Code.DeadlineExceeded]: "DEADLINE_EXCEEDED",
  [Code.NotFound]: "NOT_FOUND",
  [Code.AlreadyExists]: "ALREADY_EXISTS",
  [Code.PermissionDenied]: "PERMISSION_DENIED",
  [Code.ResourceExhausted]: "RESOURCE_EXHAUSTED",
  [Code.FailedPrecondition]: "FAILED_PRECONDITION",
  [Code.Aborted]: "ABORTED",
  [Code.OutOfRange]: "OUT_OF_RANGE",
  [Code.Unimplemented]: "UNIMPLEMENTED",
  [Code.Internal]: "INTERNAL",
  [Code.Unavailable]: "UNAVAILABLE",
  [Code.DataLoss]: "DATA_LOSS",
  [Code.Unauthenticated]: "UNAUTHENTICATED",
};

const KINDS: Partial<Record<Code, new (from: ConnectError, code?: Code) => ServiceError>> = {
  [Code.Unavailable]: UnavailableError,
  [Code.ResourceExhausted]: ExhaustedError,
  [Code.DeadlineExceeded]: TimeoutExceededError,
  [Code.Canceled]: CallCancelledError,
  [Code.InvalidArgument]: InvalidError,
  [Code.OutOfRange]: InvalidError,
  [Code.Unauthenticated]: UnauthenticatedError,
  [Code.PermissionDenied]: DeniedError,
  [Code.NotFound]: NotFoundError,
  [Code.AlreadyExists]: ExistsError,
  [Code.FailedPrecondition]: PreconditionError,
  [Code.Aborted]: PreconditionError,
};

/** Turn whatever a call threw into a ServiceError of its kind; `givenUp` if the caller has cancelled it. */
export function serviceError(thrown: unknown, givenUp: boolean): ServiceError {
  if (thrown instanceof ServiceError) return thrown;
  const from = ConnectError.from(thrown);
  const told = from.findDetails(ErrorInfoSchema).length > 0;
  // A connection that is lost has no answer of the service's: the transport calls that by many names.
  const lost = !told && !givenUp && (STREAM_CLOSED.test(from.rawMessage) || isOfTheConnection(from.cause));
  const code = lost ? Code.Unavailable : from.code;
  return new (KINDS[code] ?? FaultError)(from, code);
}

const STREAM_CLOSED = /^http\/2 stream closed with error code (CANCEL|INTERNAL_ERROR|REFUSED_STREAM)/;

function isOfTheConnection(cause: unknown): boolean {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  return ["ECONNRESET", "ECONNREFUSED", "EPIPE", "ERR_HTTP2_SESSION_ERROR", "ERR_HTTP2_GOAWAY_SESSION"].includes(code);
}
