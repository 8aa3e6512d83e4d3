/** Asks a server as any client would, and hands back all that came. The wire's types are the SDK's. */
import type {
  ExecuteRequest,
  ExecuteResponse,
  ExecutionStatus,
  MimeBundle,
  Output,
  WireError,
} from "@glovebox/sdk";

export type { ExecutionStatus, MimeBundle };
export type ExecutionRequest = ExecuteRequest;
export type ExecutionResponse = ExecuteResponse;
export type ExecutionOutput = Output;
export type ErrorBody = WireError;

export interface ApiRequest {
  readonly method?: string;
  /** Sent as JSON; `rawBody` sends text as it is, for requests that are meant to be malformed. */
  readonly body?: unknown;
  readonly rawBody?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** False leaves the token out. */
  readonly authenticated?: boolean;
}

export interface ApiResponse<Body> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
  readonly text: string;
}

export interface Client {
  readonly baseUrl: string;
  readonly token: string;
  /** Runs code and fails unless the answer is a 200. */
  execute(request: ExecutionRequest): Promise<ExecutionResponse>;
  /** Runs code and hands back whatever came, the 504 of the `user_uuid` dialect included. */
  tryExecute(request: ExecutionRequest): Promise<ApiResponse<ExecutionResponse & ErrorBody>>;
  request<Body = unknown>(path: string, request?: ApiRequest): Promise<ApiResponse<Body>>;
}

export function connectClient(baseUrl: string, token: string): Client {
  const request = async <Body>(
    path: string,
    { method, body, rawBody, headers, authenticated = true }: ApiRequest = {},
  ): Promise<ApiResponse<Body>> => {
    const payload = rawBody ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(`${baseUrl}${path}`, {
      method: method ?? (payload === undefined ? "GET" : "POST"),
      headers: {
        ...(payload === undefined ? {} : { "content-type": "application/json" }),
        ...(authenticated ? { "x-auth-token": token } : {}),
        ...headers,
      },
      ...(payload === undefined ? {} : { body: payload }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: parseBody<Body>(text),
      text,
    };
  };

  const tryExecute = (
    execution: ExecutionRequest,
  ): Promise<ApiResponse<ExecutionResponse & ErrorBody>> =>
    request<ExecutionResponse & ErrorBody>("/execute", { body: execution });

  const execute = async (execution: ExecutionRequest): Promise<ExecutionResponse> => {
    const response = await tryExecute(execution);
    if (response.status !== 200) {
      throw new Error(`POST /execute answered ${response.status}: ${response.text}`);
    }
    return response.body;
  };

  return { baseUrl, token, execute, tryExecute, request };
}

/** The suites state the type they expect of an answer and then check the fields they rely on. */
function parseBody<Body>(text: string): Body {
  try {
    return JSON.parse(text) as Body;
  } catch {
    return undefined as Body;
  }
}
