/** What one request has used of the model. */

import type { ModelAnswer } from "./model.js";

export class ModelUse {
  inputTokens = 0;
  outputTokens = 0;
  calls = 0;
  seconds = 0;

  async count(call: () => Promise<ModelAnswer>): Promise<ModelAnswer> {
    this.calls++;
    const startedAt = performance.now();
    try {
      const answer = await call();
      this.inputTokens += answer.tokens.input;
      this.outputTokens += answer.tokens.output;
      return answer;
    } finally {
      this.seconds += (performance.now() - startedAt) / 1000;
    }
  }
}
