/** What the desk works with. */

import type { Audit } from "../audit/audit.js";
import type { Config } from "../config.js";
import type { Conversations } from "../generate/chat/conversations.js";
import type { Generator } from "../generate/generator.js";
import type { Sessions } from "../sessions/interface.js";
import type { Admission } from "./admission.js";

export interface DeskParts {
  readonly config: Config;
  readonly sessions: Sessions;
  readonly audit: Audit;
  readonly generator: Generator;
  readonly conversations: Conversations;
}

export interface AdmittingParts extends DeskParts {
  readonly admission: Admission;
}
