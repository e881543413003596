// Which failed calls are made again, when, and when no more: the rules of the Python clients (wire/repeating.py).
import { type Interceptor, Code } from "@connectrpc/connect";
import { MethodOptions_IdempotencyLevel as Level } from "@bufbuild/protobuf/wkt";
import { type ServiceError, serviceError } from "./errors.js";

/** How often and how long; times are seconds, `attempts` counts the first one. */
export interface RetryPolicy {
  readonly attempts: number;
  readonly first: number;
  readonly factor: number;
  readonly longest: number;
}

export const RETRY_POLICY: RetryPolicy = { attempts: 5, first: 0.2, factor: 2, longest: 2 };

/** How many repetitions a service bears (gRFC A6): nothing is repeated while half of the tokens or less are left. */
export class Budget {
  #tokens: number;

  constructor(
    private readonly most = 100,
    private readonly givenBack = 0.1,
  ) {
    this.#tokens = most;
  }

  succeeded(): void {
    this.#tokens = Math.min(this.most, this.#tokens + this.givenBack);
  }

  /** Take a token; tell whether the call may be repeated. */
  failed(): boolean {
    this.#tokens = Math.max(0, this.#tokens - 1);
    return this.#tokens > this.most / 2;
  }
}

/** Makes calls of one message and one answer again by these rules. */
export function repeating(policy: RetryPolicy, budget: Budget): Interceptor {
  return (next) => async (request) => {
    if (request.stream) return next(request); // who reads a stream knows how to go on, and nobody else
    const until = performance.now() + timeoutOf(request.header);
    const repeatable = request.method.idempotency !== Level.IDEMPOTENCY_UNKNOWN;
    for (let made = 1; ; made++) {
      try {
        const response = await next(request);
        budget.succeeded();
        return response;
      } catch (thrown) {
        const error = serviceError(thrown, request.signal.aborted);
        const passing = isPassing(error);
        const within = passing && budget.failed();
        const longest = Math.min(policy.longest, policy.first * policy.factor ** (made - 1));
        const pause = 1000 * (Math.random() * longest + (error.retryAfter ?? 0));
        const late = performance.now() + pause >= until;
        if (!within || !repeatable || made >= policy.attempts || late || request.signal.aborted) throw error;
        await slept(pause, request.signal, error);
      }
    }
  };
}

function isPassing(error: ServiceError): boolean {
  return error.code === Code.Unavailable || (error.code === Code.ResourceExhausted && error.retryAfter !== undefined);
}

/** Milliseconds until the deadline, from the header that tells the service; without one there is none. */
function timeoutOf(header: Headers): number {
  const found = /^(\d{1,8})m$/.exec(header.get("grpc-timeout") ?? "");
  return found?.[1] === undefined ? Infinity : Number(found[1]);
}

async function slept(milliseconds: number, signal: AbortSignal, error: ServiceError): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal.addEventListener("abort", stop, { once: true });
  });
}
