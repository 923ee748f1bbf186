// A configuration on the page docs/testing-your-app.md.
export default {
  testEnvironment: "@happy-dom/jest-environment",
  testEnvironmentOptions: { customExportConditions: ["node", "node-addons"] },
};
