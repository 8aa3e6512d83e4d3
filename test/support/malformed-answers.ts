/** What models really answer when they are asked for JSON with code in it, and what is meant. */

export interface MalformedAnswer {
  readonly name: string;
  readonly answer: string;
  /** The code, without blank space at its ends. */
  readonly code: string;
}

const FENCE = "```";
const SUM = "total = sum(range(10))\nprint(total)";
const SUM_JSON = JSON.stringify(SUM);

export const malformedAnswers: readonly MalformedAnswer[] = [
  // --- JSON that is JSON, with something around it ---
  {
    name: "the form that was asked for",
    answer: `{"code": ${SUM_JSON}, "safety": {"verdict": "safe", "summary": "ok"}, "explanation": "Sums."}`,
    code: SUM,
  },
  { name: "a fence of JSON", answer: `${FENCE}json\n{"code": ${SUM_JSON}}\n${FENCE}`, code: SUM },
  {
    name: "a fence of JSON between sentences",
    answer: `Here you go:\n\n${FENCE}json\n{\n  "code": ${SUM_JSON}\n}\n${FENCE}\n\nHope this helps!`,
    code: SUM,
  },
  { name: "prose, then JSON", answer: `Sure! Here is the JSON:\n{"code": ${SUM_JSON}}`, code: SUM },
  {
    name: "JSON, then prose",
    answer: `{"code": ${SUM_JSON}}\n\nThis sums the numbers.`,
    code: SUM,
  },
  { name: "JSON in a string", answer: JSON.stringify(`{"code": ${SUM_JSON}}`), code: SUM },
  { name: "a list of one object", answer: `[{"code": ${SUM_JSON}}]`, code: SUM },
  { name: "another key", answer: `{"python_code": ${SUM_JSON}, "description": "x"}`, code: SUM },
  { name: "an object around it", answer: `{"response": {"code": ${SUM_JSON}}}`, code: SUM },
  {
    name: "a call of a tool that nobody offered",
    answer: `{"name": "run_python", "arguments": ${JSON.stringify(`{"code": ${SUM_JSON}}`)}}`,
    code: SUM,
  },
  {
    name: "a schema with values instead of values",
    answer: `{"type": "object", "properties": {"code": ${SUM_JSON}, "explanation": "x"}}`,
    code: SUM,
  },
  {
    name: "lines as a list",
    answer: `{"code": ["total = sum(range(10))", "print(total)"]}`,
    code: SUM,
  },
  {
    name: "a fence inside of the string",
    answer: JSON.stringify({ code: `${FENCE}python\n${SUM}\n${FENCE}` }),
    code: SUM,
  },
  {
    name: "escaped twice",
    answer: `{"code": "total = sum(range(10))\\\\nprint(total)"}`,
    code: SUM,
  },
  { name: "entities of HTML", answer: '{"code": "print(1 &lt; 2)"}', code: "print(1 < 2)" },
  // --- JSON that is broken ---
  {
    name: "line breaks inside of the string",
    answer: `{"code": "${SUM}", "explanation": "x"}`,
    code: SUM,
  },
  {
    name: "quotes that are not escaped",
    answer: `{\n  "code": "import math\nprint("area", math.pi)\nx = {"a": "b", "c": 1}",\n  "explanation": "x"\n}`,
    code: 'import math\nprint("area", math.pi)\nx = {"a": "b", "c": 1}',
  },
  {
    name: "a trailing comma and a comment",
    answer: `{\n  "code": ${SUM_JSON}, // the program\n  "explanation": "x",\n}`,
    code: SUM,
  },
  {
    name: "single quotes, as Python writes a dict",
    answer: `{'code': 'total = sum(range(10))\\nprint(total)', 'safe': True}`,
    code: SUM,
  },
  { name: "keys without quotes", answer: `{code: ${SUM_JSON}, explanation: "x"}`, code: SUM },
  {
    name: "typographic quotes around everything",
    answer: "{\u201ccode\u201d: \u201cprint(7)\u201d, \u201cexplanation\u201d: \u201cx\u201d}",
    code: "print(7)",
  },
  {
    name: "triple quotes",
    answer: `{"code": """${SUM}""", "explanation": "x"}`,
    code: SUM,
  },
  {
    name: "back quotes, as JavaScript writes a template",
    answer: `{"code": \`${SUM}\`, "explanation": "x"}`,
    code: SUM,
  },
  { name: "no closing brace", answer: `{"code": ${SUM_JSON}`, code: SUM },
  {
    name: "cut off after the code",
    answer: `{"code": ${SUM_JSON}, "explanation": "This su`,
    code: SUM,
  },
  {
    name: "cut off inside of the code",
    answer: '{"code": "print(1)\\nprint(2)',
    code: "print(1)\nprint(2)",
  },
  {
    name: "escapes that JSON does not know",
    answer: String.raw`{"code": "import re\nprint(re.findall(r'\d+', 'a1'))"}`,
    code: `import re\n${String.raw`print(re.findall(r'\d+', 'a1'))`}`,
  },
  {
    name: "a missing comma",
    answer: `{"explanation": "Sums."\n "code": ${SUM_JSON}}`,
    code: SUM,
  },
  {
    name: "an object about the code, and the code behind it",
    answer: `{"explanation": "Sums.", "safety": {"verdict": "safe"}}\n\n${FENCE}python\n${SUM}\n${FENCE}`,
    code: SUM,
  },
  // --- fences ---
  { name: "a fence of Python", answer: `${FENCE}python\n${SUM}\n${FENCE}`, code: SUM },
  {
    name: "a fence without a language",
    answer: `Try this:\n${FENCE}\n${SUM}\n${FENCE}`,
    code: SUM,
  },
  { name: "a fence that is never closed", answer: `Here:\n${FENCE}python\n${SUM}`, code: SUM },
  { name: "a fence of tildes", answer: `~~~py\n${SUM}\n~~~`, code: SUM },
  {
    name: "a fence that is closed on the last line of code",
    answer: `${FENCE}python\n${SUM}${FENCE}\nDone.`,
    code: SUM,
  },
  {
    name: "a fence on one line",
    answer: `Run ${FENCE}python print(7) ${FENCE} to see.`,
    code: "print(7)",
  },
  {
    name: "a fence indented in a list",
    answer: `1. Do this:\n\n   ${FENCE}python\n   x = 1\n   if x:\n       print(x)\n   ${FENCE}\n`,
    code: "x = 1\nif x:\n    print(x)",
  },
  {
    name: "a shell command, the program, and what it prints",
    answer: `First:\n${FENCE}bash\npip install numpy\n${FENCE}\nThen:\n${FENCE}python\n${SUM}\n${FENCE}\nOutput:\n${FENCE}\n45\n${FENCE}`,
    code: SUM,
  },
  {
    name: "steps in several blocks",
    answer: `Load:\n${FENCE}python\nrows = [1, 2]\n${FENCE}\nThen add:\n${FENCE}python\nprint(sum(rows))\n${FENCE}`,
    code: "rows = [1, 2]\n\nprint(sum(rows))",
  },
  {
    name: "steps, and the complete program at the end",
    answer: `${FENCE}python\nrows = [1, 2]\n${FENCE}\nPutting it all together, the complete code:\n${FENCE}python\nrows = [1, 2]\nprint(sum(rows))\n${FENCE}`,
    code: "rows = [1, 2]\nprint(sum(rows))",
  },
  {
    name: "a program and an alternative",
    answer: `${FENCE}python\n${SUM}\n${FENCE}\nAlternatively, in one line:\n${FENCE}python\nprint(sum(range(10)))\n${FENCE}`,
    code: SUM,
  },
  {
    name: "a wrong first try and a corrected one",
    answer: `${FENCE}python\nprint(sum(range(10))\n${FENCE}\nOops, that misses a parenthesis. Corrected:\n${FENCE}python\n${SUM}\n${FENCE}`,
    code: SUM,
  },
  {
    name: "a session of an interpreter",
    answer: `${FENCE}pycon\n>>> total = sum(range(10))\n>>> print(total)\n45\n${FENCE}`,
    code: SUM,
  },
  // --- tags and templates ---
  {
    name: "thoughts before the answer, with code in them",
    answer: `<think>\nMaybe ${FENCE}python\nprint("wrong")\n${FENCE}? No.\n</think>\n{"code": ${SUM_JSON}}`,
    code: SUM,
  },
  {
    name: "thoughts whose beginning the server cut off",
    answer: `I should sum. {"code": "wrong()"} is not right.\n</think>\n\n{"code": ${SUM_JSON}}`,
    code: SUM,
  },
  {
    name: "channels",
    answer: `<|channel|>analysis<|message|>Let me write {"code": "wrong()"}<|end|><|start|>assistant<|channel|>final<|constrain|>json<|message|>{"code": ${SUM_JSON}}<|return|>`,
    code: SUM,
  },
  { name: "the end of a template", answer: `{"code": ${SUM_JSON}}<|im_end|>\n`, code: SUM },
  { name: "a tag", answer: `<execute_python>\n${SUM}\n</execute_python>`, code: SUM },
  { name: "a tag with CDATA", answer: `<code><![CDATA[\n${SUM}\n]]></code>`, code: SUM },
  { name: "square brackets", answer: `[PYTHON]\n${SUM}\n[/PYTHON]`, code: SUM },
  { name: "a token before bare code", answer: `<|python_tag|>${SUM}<|eom_id|>`, code: SUM },
  // --- bare code ---
  { name: "nothing but code", answer: SUM, code: SUM },
  {
    name: "prose around bare code",
    answer: `Sure, here is the code you asked for:\n\nimport math\n\ndef area(r):\n    return math.pi * r ** 2\n\nprint(area(2))\n\nThis prints the area.`,
    code: "import math\n\ndef area(r):\n    return math.pi * r ** 2\n\nprint(area(2))",
  },
  { name: "an expression", answer: "[x * x for x in range(5)]", code: "[x * x for x in range(5)]" },
  { name: "the word python before bare code", answer: `python\n${SUM}`, code: SUM },
  // --- signs ---
  {
    name: "typographic quotes in code",
    answer: `${FENCE}python\nname = \u201cAda\u201d\nprint(\u2018hi\u2019, name)\n${FENCE}`,
    code: "name = \"Ada\"\nprint('hi', name)",
  },
  {
    name: "typographic quotes that belong to a text",
    answer: `${FENCE}python\nprint("it\u2019s \u201cfine\u201d")  # it\u2019s\n${FENCE}`,
    code: 'print("it\u2019s \u201cfine\u201d")  # it\u2019s',
  },
  {
    name: "spaces that do not break, and an invisible one",
    answer: `${FENCE}python\nif True:\n\u00a0\u00a0\u00a0\u00a0print(\u200b7)\n${FENCE}`,
    code: "if True:\n    print(7)",
  },
  {
    name: "line ends of Windows",
    answer: `\ufeff{"code": "x = 1\\r\\nprint(x)"}\r\n`,
    code: "x = 1\nprint(x)",
  },
];
