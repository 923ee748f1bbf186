// The development server of Vite 5 to 7 bundles what is imported, and leaves files behind that lie beside it.
export default { optimizeDeps: { exclude: ["ferrolite"] } };
