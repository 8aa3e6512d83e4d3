/** Which models take pictures, by what they and their servers are called. May import nothing of ours. */

/** Of these hosts every model that chats takes pictures. */
export const seeingHosts = ["api.anthropic.com", "generativelanguage.googleapis.com"] as const;

/** How names begin, behind the provider's part ("openai/gpt-4o"). */
export const seeingNames = [
  ...["gpt-4o", "gpt-4.1", "gpt-4.5", "gpt-4-turbo", "gpt-5", "chatgpt-4o", "o1", "o3", "o4"],
  ...["claude-3", "claude-4", "claude-opus", "claude-sonnet", "claude-haiku", "gemini"],
  ...["gemma3", "gemma-3", "llama4", "llama-4", "pixtral", "mistral-small3.1", "mistral-small3.2"],
  ...["mistral-small-3.1", "mistral-small-3.2", "mistral-medium-3", "grok-4", "nova-lite"],
  ...["nova-pro", "nova-premier", "llava", "bakllava", "moondream", "minicpm-v", "internvl"],
  ...["molmo", "qwen2.5vl", "qwen3vl", "qvq", "glm-4v", "glm-4.5v", "phi-4-multimodal"],
] as const;

/** Parts of a name, between `-`, `_`, `.` and `:`. */
export const seeingWords = ["vision", "vl", "multimodal"] as const;

/** Names that begin so although these models read text alone. */
export const blindNames = [
  ...["o1-mini", "o1-preview", "o3-mini", "gpt-4o-audio", "gpt-4-turbo-preview"],
  ...["gemma3:1b", "gemma3:270m", "gemma-3-1b", "gemma-3-270m"],
] as const;

/**
 * Whether a model is shown pictures unless the operator says else. One that is not known is not: its server might
 * refuse, or pass them over in silence.
 * @param baseUrl where it answers; undefined where answers are replayed
 */
export function takesPictures(model: string, baseUrl: string | undefined): boolean {
  const name = model.toLowerCase().slice(model.lastIndexOf("/") + 1);
  const begins = (beginning: string) => name.startsWith(beginning);
  if (blindNames.some(begins)) return false;
  const host = baseUrl !== undefined && URL.canParse(baseUrl) ? new URL(baseUrl).hostname : "";
  if (seeingHosts.some((one) => one === host) || seeingNames.some(begins)) return true;
  const words = [..."-_.:"].reduce(
    (parts, sign) => parts.flatMap((one) => one.split(sign)),
    [name],
  );
  return seeingWords.some((word) => words.includes(word));
}
