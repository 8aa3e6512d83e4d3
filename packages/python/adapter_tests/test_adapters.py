"""Each adapter with its real framework, against the server that GLOVEBOX_URL and GLOVEBOX_TOKEN name."""

import asyncio
import importlib.util
import json
import unittest

from glovebox import Client, Result

PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 2]);"


def needs(module):
    """Skipped with a word where a framework is not installed."""
    top = module.split(".")[0]
    missing = importlib.util.find_spec(top) is None
    return unittest.skipIf(missing, f"{top} is not installed")


@needs("langchain_core")
class LangChain(unittest.TestCase):
    def test_a_tool_call_is_answered_with_text_and_the_result(self):
        from glovebox.adapters.langchain import code_interpreter

        tool = code_interpreter(timeout=20)
        self.assertEqual(tool.name, "code_interpreter")
        self.assertIn("code", tool.tool_call_schema["properties"])
        tool.invoke({"code": "x = 6"})
        call = {"type": "tool_call", "id": "1", "name": tool.name, "args": {"code": "x * 7"}}
        message = tool.invoke(call)
        self.assertEqual((message.content, message.tool_call_id), ("42", "1"))
        self.assertIsInstance(message.artifact, Result)
        later = asyncio.run(tool.ainvoke({**call, "args": {"code": "x + 1 / 0", "timeout": 3}}))
        self.assertIn("ZeroDivisionError", later.content)

    def test_models_are_told_its_schema(self):
        from langchain_core.utils.function_calling import convert_to_openai_tool

        from glovebox.adapters.langchain import code_interpreter

        told = convert_to_openai_tool(code_interpreter())["function"]
        self.assertEqual(set(told["parameters"]["properties"]), {"code", "timeout"})
        self.assertEqual(told["parameters"]["required"], ["code"])


@needs("llama_index.core")
class LlamaIndex(unittest.TestCase):
    def test_a_tool_is_called(self):
        from glovebox.adapters.llama_index import code_interpreter

        tool = code_interpreter()
        self.assertEqual(tool.metadata.name, "code_interpreter")
        tool.call(code="x = 6")
        output = tool.call(code="x * 7")
        self.assertEqual(output.content, "42")
        self.assertEqual(output.raw_output.text, "42\n")
        self.assertEqual(asyncio.run(tool.acall(code="x + 1")).content, "7")
        told = tool.metadata.to_openai_tool()["function"]["parameters"]["properties"]
        self.assertEqual(set(told), {"code", "timeout"})


@needs("smolagents")
class Smolagents(unittest.TestCase):
    def agent(self, *answers, executor, tools=()):
        from smolagents import ChatMessage, CodeAgent, MessageRole, Model

        class Scripted(Model):
            def generate(self, messages, **_):
                return ChatMessage(role=MessageRole.ASSISTANT, content=next(script))

        script = iter(answers)
        return CodeAgent(list(tools), Scripted(), executor=executor, verbosity_level=0)

    def test_an_agent_works_in_a_session(self):
        from smolagents import tool

        from glovebox.adapters.smolagents import GloveboxExecutor

        @tool
        def double(number: int) -> int:
            """Twice a number.

            Args:
                number: Any number.
            """
            return 2 * number

        executor = GloveboxExecutor(timeout=20)
        agent = self.agent(
            "<code>\nx = double(21)\nprint('x is', x)\n1 / 0\n</code>",
            "<code>\nfinal_answer({'x': x, 'bytes': b'1'})\n</code>",
            executor=executor,
            tools=[double],
        )
        try:
            self.assertEqual(agent.run("double 21"), {"x": 42, "bytes": b"1"})
            failed, last = agent.memory.steps[1], agent.memory.steps[2]
            self.assertIn("ZeroDivisionError", str(failed.error))
            self.assertTrue(last.is_final_answer)
        finally:
            agent.cleanup()
        with self.assertRaisesRegex(Exception, "SESSION_NOT_FOUND"), Client() as client:
            client.session(executor.session.id).info()

    def test_values_and_figures_come_back(self):
        from glovebox.adapters.smolagents import GloveboxExecutor

        executor = GloveboxExecutor()
        self.addCleanup(executor.cleanup)
        executor.send_variables({"numbers": [1, 2]})
        self.assertEqual(executor("print('on')\nsum(numbers)").output, "3")
        self.assertEqual(executor(PLOT).output.format, "PNG")

    def test_nothing_is_unpickled(self):
        from smolagents.serialization import SerializationError

        from glovebox.adapters.smolagents import GloveboxExecutor

        executor = GloveboxExecutor()
        self.addCleanup(executor.cleanup)
        attack = "class FinalAnswerException(BaseException): pass\n"
        with self.assertRaises(SerializationError):
            executor(attack + "raise FinalAnswerException('pickle:gASVAAAA')")


@needs("agents")
class OpenAiAgents(unittest.TestCase):
    def test_the_tool_answers_with_text_and_images(self):
        from glovebox.adapters.openai_agents import code_interpreter

        tool = code_interpreter()
        text, image = asyncio.run(tool.on_invoke_tool(None, json.dumps({"code": PLOT})))
        self.assertIn("images shown", text.text)
        self.assertTrue(image.image_url.startswith("data:image/png;base64,iVBOR"))
        for arguments in ('{"code": 3}', "{", "[]"):
            (told,) = asyncio.run(tool.on_invoke_tool(None, arguments))
            self.assertTrue(told.text.startswith("error: "), told.text)

    def test_an_agent_uses_it(self):
        from agents import Agent, Model, ModelResponse, Runner, Usage, set_tracing_disabled
        from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage
        from openai.types.responses import ResponseOutputText

        from glovebox.adapters.openai_agents import code_interpreter

        set_tracing_disabled(True)
        seen = []

        class Scripted(Model):
            async def get_response(self, system_instructions, input, *_, **__):
                seen.append(input)
                if len(seen) == 1:
                    arguments = json.dumps({"code": "6 * 7"})
                    output = ResponseFunctionToolCall(
                        type="function_call", name="code_interpreter", call_id="c", arguments=arguments
                    )
                else:
                    text = ResponseOutputText(type="output_text", text="done", annotations=[])
                    output = ResponseOutputMessage(
                        id="m", type="message", role="assistant", status="completed", content=[text]
                    )
                return ModelResponse(output=[output], usage=Usage(), response_id=None)

            def stream_response(self, *_, **__):
                raise NotImplementedError

        agent = Agent("a", model=Scripted(), tools=[code_interpreter()])
        outcome = asyncio.run(Runner.run(agent, "what is it?"))
        self.assertEqual(outcome.final_output, "done")
        self.assertIn("42", str(seen[1][-1]))


@needs("pydantic_ai")
class PydanticAi(unittest.TestCase):
    def test_an_agent_uses_it(self):
        from pydantic_ai import Agent
        from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
        from pydantic_ai.models.function import FunctionModel

        from glovebox.adapters.pydantic_ai import code_interpreter

        calls = iter([{"code": 3}, {"code": f"{PLOT}\nprint(6 * 7)"}])
        seen = []

        def model(messages, info):
            seen.append(messages[-1].parts)
            for arguments in calls:
                return ModelResponse(parts=[ToolCallPart("code_interpreter", arguments)])
            return ModelResponse(parts=[TextPart("done")])

        agent = Agent(FunctionModel(model), tools=[code_interpreter()])
        outcome = agent.run_sync("what is it?")
        self.assertEqual(outcome.output, "done")
        self.assertIn("code must be a string", str(seen[1][0].content))
        self.assertIn("42", str(seen[2][0].content))
        self.assertIn("image/png", str(seen[2]))


@needs("autogen_core")
class AutoGen(unittest.IsolatedAsyncioTestCase):
    async def test_blocks_run_in_one_session_up_to_the_first_that_fails(self):
        from autogen_core import CancellationToken
        from autogen_core.code_executor import CodeBlock

        from glovebox.adapters.autogen import GloveboxCodeExecutor

        async with GloveboxCodeExecutor(timeout=20) as executor:

            async def run(*codes, language="python"):
                blocks = [CodeBlock(code, language) for code in codes]
                return await executor.execute_code_blocks(blocks, CancellationToken())

            ran = await run("x = 6", "print(x * 7)")
            self.assertEqual((ran.exit_code, ran.output), (0, "42\n"))
            failed = await run("1 / 0", "print('never')")
            self.assertEqual(failed.exit_code, 1)
            self.assertIn("ZeroDivisionError", failed.output)
            self.assertNotIn("never", failed.output)
            self.assertEqual((await run("ls", language="sh")).exit_code, 1)
            await executor.restart()
            self.assertIn("NameError", (await run("x")).output)

    async def test_a_cancelled_run_is_interrupted(self):
        from autogen_core import CancellationToken
        from autogen_core.code_executor import CodeBlock

        from glovebox.adapters.autogen import GloveboxCodeExecutor

        async with GloveboxCodeExecutor() as executor:
            token = CancellationToken()
            blocks = [CodeBlock("import time\ntime.sleep(25)", "python")]
            running = asyncio.create_task(executor.execute_code_blocks(blocks, token))
            await asyncio.sleep(1)
            token.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await running
            again = [CodeBlock("print(1)", "python")]
            later = executor.execute_code_blocks(again, CancellationToken())
            self.assertEqual((await asyncio.wait_for(later, 10)).output, "1\n")
