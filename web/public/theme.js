// Applies the remembered theme before the first paint. It is a file of its own because the
// content security policy forbids inline scripts; it blocks on purpose, so that a dark page
// never flashes white. The rest of the theme logic lives in src/lib/theme.svelte.ts.
(function () {
  try {
    var theme = localStorage.getItem("vulnzero.theme");
    if (theme === "dark" || theme === "light") {
      document.documentElement.dataset.theme = theme;
    }
  } catch {
    // Storage may be blocked by the browser; the system's preference applies then.
  }
})();
