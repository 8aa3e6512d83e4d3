/**
 * The ceiling: a Fastify route that parses the same request and returns a fixed answer of the same
 * shape and size as Glovebox's. Whatever Glovebox takes longer is spent on running code in a sandbox.
 */
import fastify from "fastify";

const BARE_ANSWER = {
  status: "ok",
  stdout: "user-00 1000\n",
  stderr: "",
  truncated: false,
  exit_code: 0,
  execution_time: 0.000123,
  result_text: "user-00 1000\n",
  result_base64: null,
  outputs: [{ output_type: "stream", name: "stdout", text: "user-00 1000\n" }],
  error: null,
  files_created: [],
  files_modified: [],
  session_id: "bench-0123456789abcdef-00",
  execution_count: 1000,
  original_code: null,
  executed_code: "a += 1; print(me, a)",
  validation_result: null,
  usage: { cpu_time: 0.000101, memory_peak_bytes: 12345678, wall_time: 0.000123 },
};

const port = Number(process.env.PORT);
const app = fastify({ logger: false });
app.get("/health", async () => ({ status: "healthy" }));
app.post("/execute", async () => BARE_ANSWER);
process.once("SIGTERM", () => void app.close());
await app.listen({ host: "127.0.0.1", port });
