// A connection to the service: TLS under a given root, a bearer secret, timeouts and repetition.
import type { DescService } from "@bufbuild/protobuf";
import { type Client, type Interceptor, type Transport, createClient } from "@connectrpc/connect";
import { Http2SessionManager, createGrpcTransport } from "@connectrpc/connect-node";
import { serviceError } from "./errors.js";
import { Budget, RETRY_POLICY, type RetryPolicy, repeating } from "./repeating.js";

const MAX_MESSAGE_OCTETS = 4 << 20;

export interface ServiceOptions {
  /** `host:port`. */
  readonly server: string;
  /** The root that signs the server's certificate, in PEM; the system's roots if it is left out. */
  readonly root?: string | Buffer;
  /** A department's or administrator's token, or a session's; goes into the metadata of every call. */
  readonly token?: string;
  /** Milliseconds for a call with its repetitions; a call's own `timeoutMs` counts before it. Streams have none. */
  readonly timeoutMs?: number;
  readonly retry?: RetryPolicy;
  readonly budget?: Budget;
}

/** One HTTP/2 connection, made when it is needed and again when it was lost. */
export class Service {
  readonly #sessions: Http2SessionManager;
  readonly #transport: Transport;
  readonly #streams: Transport;

  constructor(options: ServiceOptions) {
    const baseUrl = `https://${options.server}`;
    const nodeOptions = options.root === undefined ? {} : { ca: options.root };
    this.#sessions = new Http2SessionManager(baseUrl, {}, nodeOptions);
    const interceptors = [
      repeating(options.retry ?? RETRY_POLICY, options.budget ?? new Budget()),
      ...(options.token === undefined ? [] : [bearer(options.token)]),
    ];
    const common = {
      baseUrl,
      interceptors,
      sessionManager: this.#sessions,
      readMaxBytes: MAX_MESSAGE_OCTETS,
    };
    this.#transport = createGrpcTransport({ ...common, defaultTimeoutMs: options.timeoutMs ?? 20_000 });
    this.#streams = createGrpcTransport(common);
  }

  /** The typed client of one of the generated services; what it throws are ServiceErrors. */
  client<T extends DescService>(service: T): Client<T> {
    const transport: Transport = {
      unary: async (...given) => {
        try {
          return await this.#transport.unary(...given);
        } catch (thrown) {
          throw serviceError(thrown, given[1]?.aborted ?? false);
        }
      },
      stream: async (...given) => {
        const signal = given[1];
        try {
          const response = await this.#streams.stream(...given);
          return { ...response, message: told(response.message, signal) };
        } catch (thrown) {
          throw serviceError(thrown, signal?.aborted ?? false);
        }
      },
    };
    return createClient(service, transport);
  }

  /** Close the connection; calls under way end as cancelled. */
  close(): void {
    this.#sessions.abort();
  }
}

async function* told<T>(messages: AsyncIterable<T>, signal: AbortSignal | undefined): AsyncGenerator<T> {
  try {
    yield* messages;
  } catch (thrown) {
    throw serviceError(thrown, signal?.aborted ?? false);
  }
}

function bearer(token: string): Interceptor {
  return (next) => (request) => {
    request.header.set("authorization", `Bearer ${token}`);
    return next(request);
  };
}
