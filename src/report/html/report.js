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
  var store = byId("rows"), long = store && JSON.parse(store.textContent);
  var rows = long ? long.rows : all("tr[data-task]"), toggles = all(".toggle", form);
  var words = new Map();
  function wordsOf(row) {
    if (!words.has(row)) {
      var parts = long ? row.slice(4, 9)
        : all(".ord, .name, .sub, .reason", row).map(function (part) { return part.textContent; });
      words.set(row, parts.join(" ").toLowerCase());
    }
    return words.get(row);
  }
  function groupOf(row) { return long ? row[2] : row.dataset.group; }
  function phaseOf(row) { return long ? String(row[1]) : row.parentNode.dataset.phase; }

  // A long table: its rows are data, and a page of those that fit is shown.
  var fitting = rows, first = 0;
  function made(values) {
    var row = byId("row").content.firstElementChild.cloneNode(true), icon = row.querySelector("svg");
    function set(selector, value) { row.querySelector(selector).textContent = value; }
    row.id = "t" + values[0];
    row.dataset.task = values[6];
    row.dataset.group = values[2];
    row.querySelector(".chip").classList.add("s-" + values[2]);
    icon.classList.add("s-" + values[2]);
    icon.firstElementChild.setAttribute("href", "#i-" + values[2]);
    set(".state", values[3]);
    set(".ord", values[4]);
    set(".name bdi", values[5]);
    set(".sub bdi", values[6]);
    set(".more", values[7]);
    set(".reason bdi", values[8]);
    values.slice(9).forEach(function (value, at) { row.cells[2 + at].textContent = value; });
    return row;
  }
  function bodyOf(place) {
    var body = document.createElement("tbody"), head = body.insertRow(), cell = document.createElement("th");
    body.dataset.phase = place;
    head.className = "phase";
    cell.colSpan = 7;
    cell.scope = "rowgroup";
    cell.textContent = long.phases[place];
    head.appendChild(cell);
    return body;
  }
  function turn(to) {
    var table = document.querySelector("table.tasks"), body = null;
    first = Math.max(0, Math.min(to, fitting.length - 1));
    first -= first % long.page;
    all("tbody", table).forEach(function (old) { old.remove(); });
    fitting.slice(first, first + long.page).forEach(function (values) {
      if (!body || body.dataset.phase !== String(values[1])) { body = table.appendChild(bodyOf(values[1])); }
      body.appendChild(made(values));
    });
    var last = Math.min(first + long.page, fitting.length);
    byId("p-place").textContent = fitting.length ? (first + 1) + " to " + last + " of " + fitting.length : "none";
    byId("p-back").disabled = first === 0;
    byId("p-on").disabled = last === fitting.length;
  }
  if (long) {
    byId("pages").hidden = false;
    [["p-back", -1], ["p-on", 1]].forEach(function (button) {
      byId(button[0]).addEventListener("click", function () {
        turn(first + button[1] * long.page);
        byId("tasks").scrollIntoView();
      });
    });
  }
  function filter() {
    var wanted = text.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    var states = toggles.filter(function (t) { return t.getAttribute("aria-pressed") === "true"; })
      .map(function (t) { return t.dataset.group; });
    fitting = rows.filter(function (row) {
      return (!states.length || states.includes(groupOf(row))) &&
        (!phase.value || phaseOf(row) === phase.value) &&
        wanted.every(function (word) { return wordsOf(row).includes(word); });
    });
    if (long) { turn(0); } else { hide(); }
    var shown = fitting.length;
    count.textContent = shown === rows.length ? rows.length + " tasks" : shown + " of " + rows.length + " tasks";
  }
  function hide() {
    var fits = new Set(fitting);
    rows.forEach(function (row) { row.hidden = !fits.has(row); });
    all("tbody[data-phase]").forEach(function (body) {
      body.hidden = !body.querySelector("tr[data-task]:not([hidden])");
    });
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

  // A link to a row that the filter hides, or that is on another page, shows it.
  function reveal() {
    var name = location.hash.slice(1), row = name && byId(name);
    if (long && !row && /^t[0-9]+$/.test(name)) {
      clear();
      turn(rows.findIndex(function (values) { return "t" + values[0] === name; }));
      row = byId(name);
    } else if (row && row.hidden) { clear(); } else { return; }
    if (row) { row.scrollIntoView({ block: "center" }); }
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
