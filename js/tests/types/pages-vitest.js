// A configuration on the page docs/testing-your-app.md.
export default { test: { server: { deps: { external: [/ferrolite/] } } } };
