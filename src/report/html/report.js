(function () {
  "use strict";
  var root = document.documentElement;
  function all(selector, inside) { return Array.from((inside || document).querySelectorAll(selector)); }
  function byId(id) { return document.getElementById(id); }

  // Colour scheme: the reader's own, until the button says otherwise. A file:// page may have no storage.
  var scheme = byId("scheme"), system = matchMedia("(prefers-color-scheme: dark)");
  function remembered() { try { return localStorage.getItem("taskmaster-scheme"); } catch (e) { return null; } }
  function remember(value) { try { localStorage.setItem("taskmaster-scheme", value); } catch (e) { /* not kept */ } }
  function isDark() { return root.dataset.scheme ? root.dataset.scheme === "dark" : system.matches; }
  function showScheme() {
    scheme.textContent = isDark() ? "Light" : "Dark";
    scheme.setAttribute("aria-label", "Switch to " + scheme.textContent.toLowerCase() + " colours");
  }
  if (remembered() === "dark" || remembered() === "light") { root.dataset.scheme = remembered(); }
  scheme.hidden = false;
  scheme.removeAttribute("aria-pressed");
  scheme.addEventListener("click", function () {
    root.dataset.scheme = isDark() ? "light" : "dark";
    remember(root.dataset.scheme);
    showScheme();
  });
  system.addEventListener("change", showScheme);
  showScheme();

  // The filter of the table: text, phase, states; all that are set must hold.
  var form = byId("filter"), text = byId("f-text"), phase = byId("f-phase"), count = byId("f-count");
  var rows = all("tr[data-task]"), toggles = all(".toggle", form);
  var words = new Map();
  function wordsOf(row) {
    if (!words.has(row)) {
      var parts = all(".ord, .name, .sub, .reason", row).map(function (part) { return part.textContent; });
      words.set(row, parts.join(" ").toLowerCase());
    }
    return words.get(row);
  }
  function filter() {
    var wanted = text.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    var states = toggles.filter(function (t) { return t.getAttribute("aria-pressed") === "true"; })
      .map(function (t) { return t.dataset.group; });
    var shown = 0;
    rows.forEach(function (row) {
      var fits = (!states.length || states.includes(row.dataset.group)) &&
        (!phase.value || row.parentNode.dataset.phase === phase.value) &&
        wanted.every(function (word) { return wordsOf(row).includes(word); });
      row.hidden = !fits;
      if (fits) { shown += 1; }
    });
    all("tbody[data-phase]").forEach(function (body) {
      body.hidden = !body.querySelector("tr[data-task]:not([hidden])");
    });
    count.textContent = shown === rows.length ? rows.length + " tasks" : shown + " of " + rows.length + " tasks";
  }
  function clear() {
    text.value = "";
    phase.value = "";
    toggles.forEach(function (toggle) { toggle.setAttribute("aria-pressed", "false"); });
    filter();
  }
  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", function (event) { event.preventDefault(); });
  form.addEventListener("reset", function (event) { event.preventDefault(); clear(); });
  toggles.forEach(function (toggle) {
    toggle.addEventListener("click", function () {
      toggle.setAttribute("aria-pressed", toggle.getAttribute("aria-pressed") === "true" ? "false" : "true");
      filter();
    });
  });
  filter();

  // A link to a row that the filter hides shows it again.
  function reveal() {
    var row = location.hash.length > 1 && byId(location.hash.slice(1));
    if (row && row.hidden) { clear(); row.scrollIntoView({ block: "center" }); }
  }
  addEventListener("hashchange", reveal);
  reveal();

  // In the graph, the node under the pointer lights its lines and neighbours.
  var graph = document.querySelector("svg.dag[role]");
  if (graph) {
    var nodes = new Map(all("[data-node], [data-phase-node]", graph).map(function (node) {
      return [node.dataset.node || "p" + node.dataset.phaseNode, node];
    }));
    var lines = new Map();
    all("path[data-from]", graph).forEach(function (line) {
      [line.dataset.from, line.dataset.to].forEach(function (end) {
        if (!lines.has(end)) { lines.set(end, []); }
        lines.get(end).push(line);
      });
    });
    var light = function (key, on) {
      graph.classList.toggle("dim", on);
      nodes.get(key).classList.toggle("lit", on);
      (lines.get(key) || []).forEach(function (line) {
        line.classList.toggle("lit", on);
        [line.dataset.from, line.dataset.to].forEach(function (end) {
          if (nodes.has(end)) { nodes.get(end).classList.toggle("lit", on); }
        });
      });
    };
    nodes.forEach(function (node, key) {
      ["pointerenter", "focus"].forEach(function (name) { node.addEventListener(name, function () { light(key, true); }); });
      ["pointerleave", "blur"].forEach(function (name) { node.addEventListener(name, function () { light(key, false); }); });
    });
  }
})();
