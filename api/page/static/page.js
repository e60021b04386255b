// The page works without this file. It draws the charts from the API, and shows another choice without loading a new page:
// the numbers and tables come from the page at the address of that choice, so only one place computes them.
"use strict";

(() => {
  const months = new Intl.DateTimeFormat("en", { month: "short", year: "numeric", timeZone: "UTC" });
  const whole = new Intl.NumberFormat("en");
  const oneDecimal = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const byId = (name) => document.getElementById(name);
  const form = byId("choice");
  const answers = new Map(); // snapshot and address -> promise of the JSON
  let running = null; // aborts the change in progress
  let asked = choiceIn(location); // the choice that is shown or being loaded

  // The API

  async function ask(address, cache) {
    const answer = await fetch(address, { cache, headers: { Accept: "application/json" } });
    const isJson = (answer.headers.get("Content-Type") ?? "").includes("json");
    const body = isJson ? await answer.json() : {};
    if (!answer.ok) throw new Error(body.detail || "The server did not answer.");
    return body;
  }

  // Drawings and tables must show the same snapshot: an answer that the browser cached from another one is fetched again.
  async function askFor(address, snapshot) {
    const body = await ask(address, "default");
    return body.snapshot === snapshot ? body : ask(address, "reload");
  }

  function answerOf(address, snapshot) {
    const key = `${snapshot} ${address}`;
    if (!answers.has(key)) {
      const promise = askFor(address, snapshot);
      answers.set(key, promise);
      promise.catch(() => answers.delete(key));
    }
    return answers.get(key);
  }

  function rowsOf(answer) {
    return answer.items.map((item) => {
      const date = new Date(`${item.date}T00:00:00Z`);
      const end = d3.utcMonth.offset(date, 1);
      return {
        date,
        end,
        middle: new Date((date.getTime() + end.getTime()) / 2),
        count: item.number_of_new_contributors,
        bots: item.number_of_new_bots,
        mean: item.mean_12_months,
        total: item.cumulative_contributors,
        isRunning: end > d3.utcDay.offset(new Date(`${answer.complete_through}T00:00:00Z`), 1),
      };
    });
  }

  // The drawings

  function frame(width, height, label, description) {
    return {
      className: "plot",
      width,
      height,
      marginTop: 16,
      marginBottom: 28,
      ariaLabel: label,
      ariaDescription: description,
      style: { fontSize: "12px" },
      x: { type: "utc", label: null, tickSize: 0, ticks: Math.max(2, Math.round(width / 90)) },
    };
  }

  // The drawing is one picture with one name, so its parts must have none. The parts that follow the pointer are created
  // again each time, so their names are removed beforehand.
  const unnamed = (mark) => Object.assign(mark, { ariaLabel: undefined });

  function plot(options) {
    const drawing = Plot.plot(options);
    drawing.setAttribute("role", "img");
    for (const part of drawing.querySelectorAll("[aria-label]")) part.removeAttribute("aria-label");
    for (const part of drawing.querySelectorAll("[aria-description]")) part.removeAttribute("aria-description");
    return drawing;
  }

  function monthly(rows, width, height) {
    const most = Math.max(1, d3.max(rows, (row) => row.count), d3.max(rows, (row) => row.mean ?? 0));
    const step = width / rows.length;
    const inset = step < 2.5 ? 0 : Math.min(2, step * 0.1); // very thin gaps between bars would flicker
    const last = rows.at(-1);
    const wholes = rows.filter((row) => !row.isRunning);
    const soFar = `${whole.format(last.count)} so far`;
    const words = (row) =>
      [
        `${months.format(row.date)}${row.isRunning ? ", so far" : ""}`,
        `${whole.format(row.count)} new${row.bots ? `, ${whole.format(row.bots)} of them bots` : ""}`,
        ...(row.mean === null ? [] : [`12-month mean ${oneDecimal.format(row.mean)}`]),
      ].join("\n");
    const bar = { x1: "date", x2: "end", y: "count", insetLeft: inset, insetRight: inset };
    return plot({
      ...frame(width, height, "New contributors per month", `${months.format(rows[0].date)} to ${months.format(last.date)}; the table below holds the numbers.`),
      marginLeft: 8 + 8 * whole.format(most).length,
      marginRight: last.isRunning ? 20 + 6.5 * soFar.length : 8,
      y: { domain: [0, most], nice: true, ticks: 5, tickSize: 0, label: null, tickFormat: (value) => (Number.isInteger(value) ? whole.format(value) : "") },
      marks: [
        Plot.gridY({ ticks: 5, stroke: "var(--grid)", strokeOpacity: 1 }),
        Plot.rectY(wholes, { ...bar, className: "bars", fill: "var(--bar)" }),
        Plot.rectY(rows.filter((row) => row.isRunning), { ...bar, className: "bars running", fill: "var(--bar-pale)", stroke: "var(--bar)", strokeWidth: 1 }),
        Plot.lineY(wholes.filter((row) => row.mean !== null), { x: "middle", y: "mean", stroke: "var(--surface)", strokeWidth: 5, curve: "monotone-x" }),
        Plot.lineY(wholes.filter((row) => row.mean !== null), { x: "middle", y: "mean", className: "mean", stroke: "var(--mean)", strokeWidth: 2, curve: "monotone-x" }),
        Plot.ruleY([0], { stroke: "var(--muted)" }),
        ...(last.isRunning ? [Plot.text([last], { x: "end", y: 0, text: () => soFar, dx: 6, dy: -8, textAnchor: "start", fill: "var(--muted)" })] : []),
        unnamed(Plot.ruleX(rows, Plot.pointerX({ x: "middle", stroke: "var(--muted)", strokeDasharray: "2 3" }))),
        unnamed(Plot.tip(rows, Plot.pointerX({ x: "middle", y: "count", title: words, fill: "var(--surface)", stroke: "var(--edge)", anchor: "bottom", className: "tip", fontSize: 13, lineHeight: 1.35, textPadding: 10 }))),
      ],
    });
  }

  function totals(lines, width, height) {
    const most = Math.max(1, d3.max(lines, (line) => d3.max(line.rows, (row) => row.total) ?? 0));
    const limit = width < 420 ? 12 : 20;
    const named = lines.length > 1;
    const cut = (name) => (name.length > limit ? `${name.slice(0, limit - 1)}…` : name);
    const colour = (line) => `var(--series-${(lines.indexOf(line) % 8) + 1})`;
    const marginTop = 16;
    const marginBottom = 28;
    const scale = d3.scaleLinear([0, most], [height - marginBottom, marginTop]).nice(5);
    // labels are kept a line apart, from top to bottom, and moved up again if they would leave the drawing
    const ends = lines.filter((line) => line.rows.length).map((line) => ({ line, row: line.rows.at(-1) }));
    ends.sort((one, other) => other.row.total - one.row.total);
    let above = -Infinity;
    for (const end of ends) above = end.place = Math.max(scale(end.row.total), above + 15);
    let below = height - marginBottom;
    for (const end of [...ends].reverse()) below = (end.place = Math.min(end.place, below)) - 15;
    const points = lines.flatMap((line) => line.rows.map((row) => ({ ...row, line })));
    const words = (point) => `${named ? `${point.line.name}\n` : ""}${months.format(point.date)}${point.isRunning ? ", so far" : ""}\n${whole.format(point.total)} contributors`;
    return plot({
      ...frame(width, height, "Running total of contributors", `${lines.map((line) => line.name).join(", ")}; the table below holds the numbers.`),
      marginTop,
      marginBottom,
      marginLeft: 8 + 8 * whole.format(scale.domain()[1]).length,
      marginRight: named ? 10 + 7 * Math.max(...lines.map((line) => cut(line.name).length)) : 12,
      y: { domain: scale.domain(), ticks: 5, tickSize: 0, label: null, tickFormat: (value) => (Number.isInteger(value) ? whole.format(value) : "") },
      marks: [
        Plot.gridY({ ticks: 5, stroke: "var(--grid)", strokeOpacity: 1 }),
        Plot.ruleY([0], { stroke: "var(--muted)" }),
        ...(named ? [] : [Plot.areaY(lines[0].rows, { x: "middle", y: "total", fill: colour(lines[0]), fillOpacity: 0.12 })]),
        ...lines.map((line) => Plot.lineY(line.rows, { x: "middle", y: "total", className: "total", stroke: colour(line), strokeWidth: 2 })),
        ...(named
          ? ends.map((end) => Plot.text([end.row], { className: "name", x: "middle", y: "total", text: () => cut(end.line.name), dx: 8, dy: end.place - scale(end.row.total), textAnchor: "start", fill: colour(end.line), fontWeight: 600 }))
          : []),
        unnamed(Plot.tip(points, Plot.pointer({ x: "middle", y: "total", title: words, fill: "var(--surface)", stroke: "var(--edge)", className: "tip", fontSize: 13, lineHeight: 1.35, textPadding: 10 }))),
      ],
    });
  }

  function nothing(text) {
    const paragraph = document.createElement("p");
    paragraph.className = "nothing";
    paragraph.textContent = text;
    return paragraph;
  }

  // Prepares a drawing. It is drawn again from the same answers when its width changes.
  async function prepare(place) {
    const { snapshot } = place.dataset;
    if (place.dataset.drawing === "monthly") {
      const rows = rowsOf(await answerOf(place.dataset.source, snapshot));
      place.drawWith = rows.length ? (width, height) => monthly(rows, width, height) : () => nothing("There are no months in this range.");
      return;
    }
    const sources = [...place.querySelectorAll("[data-source]")];
    const lines = await Promise.all(
      sources.map(async (source) => ({ name: source.dataset.name, rows: rowsOf(await answerOf(source.dataset.source, snapshot)) })),
    );
    const some = lines.some((line) => line.rows.length);
    place.drawWith = some ? (width, height) => totals(lines, width, height) : () => nothing("There are no months in this range.");
  }

  function draw(place) {
    const width = Math.floor(place.clientWidth);
    if (!place.drawWith || !width || place.drawnWidth === width) return;
    place.drawnWidth = width;
    place.replaceChildren(place.drawWith(width, Math.floor(place.clientHeight)));
  }

  const widths = new ResizeObserver((entries) => entries.forEach((entry) => requestAnimationFrame(() => draw(entry.target))));

  // The choice

  function choiceIn(address) {
    return address.pathname + address.search;
  }

  function choiceOfForm(submitter) {
    const given = new FormData(form);
    if (submitter?.name === "sort") given.set("sort", submitter.value);
    const pairs = [...given.entries()].filter(([, value]) => value !== "");
    const names = new Set(pairs.filter(([name]) => name === "repository").map(([, value]) => value));
    const query = new URLSearchParams([...names].map((name) => ["repository", name]));
    for (const name of ["from", "to", "forks", "bots", "sort"]) {
      const value = pairs.findLast(([key]) => key === name)?.[1];
      if (value && !(name === "sort" && value === "-new_contributors_12m")) query.set(name, value);
    }
    const text = query.toString().replaceAll("%2F", "/");
    return new URL(text ? `?${text}` : location.pathname, new URL(location.pathname, location.href));
  }

  function say(text) {
    const notice = byId("notice");
    notice.textContent = text;
    notice.hidden = !text;
  }

  // Replaces this page by the one at an address: everything is fetched and prepared first, then swapped at once.
  async function show(address, { push = true, withForm = false, link = null } = {}) {
    running?.abort();
    const mine = (running = new AbortController());
    document.body.classList.add("is-busy");
    try {
      const answer = await fetch(address, { signal: mine.signal, headers: { Accept: "text/html" } });
      const next = new DOMParser().parseFromString(await answer.text(), "text/html");
      // the parser runs no scripts, so it keeps the images in noscript: in this page they would be fetched
      for (const part of next.querySelectorAll("noscript")) part.remove();
      const problem = next.querySelector("[data-problem]");
      if (problem || !answer.ok) {
        say(problem?.textContent || "The server did not answer. Try again in a moment.");
        return;
      }
      await Promise.all([...next.querySelectorAll("[data-drawing]")].map(prepare));
      if (mine.signal.aborted) return;
      say("");
      if (push) history.pushState(null, "", address);
      asked = choiceIn(address);
      swap(next, withForm, address, link);
    } catch (error) {
      if (!mine.signal.aborted) say(`This selection could not be shown: ${error.message}`);
    } finally {
      if (running === mine) document.body.classList.remove("is-busy");
    }
  }

  function swap(next, withForm, address, link) {
    const focused = document.activeElement;
    const successor = successorOf(focused, link, next);
    document.title = next.title;
    for (const part of document.querySelectorAll("[data-part]")) {
      const fresh = next.getElementById(part.id);
      for (const details of part.querySelectorAll("details[id]")) {
        const same = fresh.querySelector(`#${CSS.escape(details.id)}`);
        if (same) same.open = details.open;
      }
      const scrolled = part.querySelector(".scroll")?.scrollTop ?? 0;
      part.replaceWith(document.adoptNode(fresh));
      if (scrolled && fresh.querySelector(".scroll")) fresh.querySelector(".scroll").scrollTop = scrolled;
    }
    byId("picked").textContent = next.getElementById("picked").textContent;
    byId("sort").value = next.getElementById("sort").value;
    pick(next);
    // it is in the list now, where it can be removed again
    const another = byId("another");
    if (another && (withForm || address.searchParams.getAll("repository").includes(another.value))) another.value = "";
    if (withForm) {
      const chosen = new Set([...next.querySelectorAll("#choice input[type=checkbox]:checked")].map((box) => `${box.name}=${box.value}`));
      for (const box of form.querySelectorAll("input[type=checkbox]")) box.checked = chosen.has(`${box.name}=${box.value}`);
      for (const name of ["from", "to"]) byId(name).value = next.getElementById(name).value;
    }
    successor?.focus({ preventScroll: ![link, document.body].includes(focused) });
    start();
    const value = (name) => document.querySelector(`[data-value=${name}]`).textContent;
    byId("status").textContent = `${byId("top").querySelector("h1").textContent}: ${value("in_year")} new contributors in 12 months, ${value("all_time")} of all time.`;
  }

  // Keyboard users may have moved on while the page was loading, and must not be sent back to the top: the focus goes to
  // the element with the same id, else to one with the same link, the same text or the same position.
  function successorOf(focused, link, next) {
    const followed = link !== null && (focused === link || focused === document.body);
    const part = (followed ? link : focused)?.closest("[data-part]");
    if (!part) return null;
    if (focused.id && !followed) return next.getElementById(focused.id);
    const like = (one, name) => [...one.querySelectorAll(focused.localName)].filter((stop) => stop.tabIndex >= 0 && stop[name] === focused[name]);
    // the link that was followed is gone or no longer needed: continue next to it, or at the numbers that changed
    for (const name of followed ? [] : ["href", "textContent", "localName"]) {
      const found = like(next.getElementById(part.id), name);
      if (found.length) return found[Math.min(like(part, name).indexOf(focused), found.length - 1)];
    }
    return part.id === "chosen" ? picker.querySelector("summary") : next.getElementById("monthly");
  }

  // The list does not hold all repositories. One chosen elsewhere is added, or the next change would lose it.
  function pick(next) {
    const listed = new Set([...picker.querySelectorAll("li input")].map((box) => box.value));
    for (const box of next.querySelectorAll("#picker li input:checked")) {
      if (!listed.has(box.value)) picker.querySelector("ul").append(document.importNode(box.closest("li"), true));
    }
  }

  function start() {
    for (const place of document.querySelectorAll("[data-drawing]")) {
      draw(place);
      widths.observe(place);
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show(choiceOfForm(event.submitter));
  });
  form.addEventListener("change", (event) => {
    if (event.target.id === "find") return;
    if (form.reportValidity()) show(choiceOfForm());
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-choice]");
    if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    show(new URL(link.href), { withForm: true, link });
  });
  addEventListener("popstate", () => {
    // also called for links within the page, which show nothing new and must not abort the change in progress
    if (choiceIn(location) === asked) return;
    asked = choiceIn(location);
    show(new URL(location.href), { push: false, withForm: true });
  });

  // The list of repositories

  const picker = byId("picker");
  const find = byId("find");
  find.closest("p").hidden = false;
  find.addEventListener("input", () => {
    const text = find.value.trim().toLowerCase();
    for (const entry of picker.querySelectorAll("li")) entry.hidden = !entry.querySelector("input").value.toLowerCase().includes(text);
  });
  find.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault();
  });
  picker.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !picker.open) return;
    picker.open = false;
    picker.querySelector("summary").focus();
  });
  document.addEventListener("click", (event) => {
    if (picker.open && !picker.contains(event.target)) picker.open = false;
  });
  picker.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !picker.contains(event.relatedTarget)) picker.open = false;
  });

  byId("apply").closest("p").hidden = true;
  const places = [...document.querySelectorAll("[data-drawing]")];
  Promise.all(places.map((place) => prepare(place).then(() => draw(place))))
    .catch((error) => say(`Not all of this page could be drawn: ${error.message}`))
    .finally(start);
})();
