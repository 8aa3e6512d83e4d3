/** Whether a line looks like Python rather than prose. Only Python knows; this is where to begin. */

const BEGINNING =
  /^(?:import \w|from [\w.]+ import |(?:async )?def \w+\(|class \w+[:(]|@\w|(?:try|else|finally):|except\b.*:|(?:return|raise|assert|del|global|yield|await)\b|print\(|[A-Za-z_][\w.]*\(|#\s|[%!]\w|>>> )/;
const ASSIGNMENT =
  /^[A-Za-z_][\w.]*(?:\[[^\]]*\])*(?:\s*,\s*[A-Za-z_]\w*)*\s*(?:[-+*/%|&]|\/\/|\*\*)?=(?!=)\s*\S/;
/** A colon at the end, or before a comment, ends what one of these words begins. */
const COMPOUND = /^(?:if|elif|while|with|for|match) /;
const COLON_ENDS = /:\s*(?:#|$)/;
const WORDS = /^[A-Z"']?[A-Za-z',;-]+(?: [A-Za-z0-9'",;()-]+){3,}[.:!?]$/;

export function looksLikePython(line: string): boolean {
  const looks =
    BEGINNING.test(line) || ASSIGNMENT.test(line) || (COMPOUND.test(line) && COLON_ENDS.test(line));
  return looks && !WORDS.test(line);
}

/** Whether a line may go on with what such a line has begun. */
export function mayGoOn(line: string): boolean {
  return /^(?:\s+\S|[)\]}])/.test(line);
}
