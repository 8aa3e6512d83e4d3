/**
 * `npm run adapters`: the Python client's adapters with the frameworks themselves, and its other tests with the
 * newest httpx. The frameworks are many packages, so `npm test` leaves them out.
 */
import { pythonWith, runChild, testModules, testsPassed } from "../support/python-client.ts";
import { startServer } from "../support/server.ts";

const python = await pythonWith("adapter_tests/requirements.txt");
const server = await startServer();
let failed = 0;
try {
  for (const module of [...testModules("adapter_tests"), ...testModules()]) {
    const env = {
      PYTHONPATH: "src:compat",
      GLOVEBOX_URL: server.baseUrl,
      GLOVEBOX_TOKEN: server.token,
    };
    const outcome = await runChild(python, ["-m", "unittest", "-v", module], env);
    const passed = testsPassed(outcome);
    if (passed === 0) failed++;
    console.log(
      passed === 0 ? `${outcome.output}\nFAILED ${module}` : `${module}: ${passed} passed`,
    );
  }
} finally {
  await server.stop();
}
console.log(failed === 0 ? "All adapters work." : `${failed} modules failed.`);
process.exitCode = failed === 0 ? 0 : 1;
