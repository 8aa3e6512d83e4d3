/** What an execution has shown, in the shape of nbformat v4. */

export type MimeBundle = Record<string, unknown>;

/** nbformat v4 output objects. */
export type Output =
  | { output_type: "stream"; name: StreamName; text: string }
  | { output_type: "display_data"; data: MimeBundle; metadata: MimeBundle }
  | {
      output_type: "execute_result";
      execution_count: number;
      data: MimeBundle;
      metadata: MimeBundle;
    }
  | { output_type: "error"; ename: string; evalue: string; traceback: readonly string[] };

export type StreamName = "stdout" | "stderr";
