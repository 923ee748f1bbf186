// A page whose scripts do not arrive, or are too new for the browser, says so. No module, so that it runs everywhere.
addEventListener(
  "error",
  function (event) {
    var isScript = event.target && event.target.tagName === "SCRIPT";
    if (!isScript && (!event.message || window.demoStarted)) return;
    var why = isScript ? "The script " + event.target.src + " was not loaded." : event.message;
    var tell = function () {
      document.getElementById("trouble-title").textContent = "The page could not start";
      document.getElementById("trouble-help").textContent =
        "Reload it. If that does not help, the browser may be too old for it. Nothing that is stored was touched.";
      document.getElementById("trouble-code").textContent = "";
      document.getElementById("trouble-text").textContent = why;
      document.getElementById("trouble").hidden = false;
    };
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", tell);
    else tell();
  },
  true,
);
