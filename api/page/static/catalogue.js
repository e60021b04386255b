// The page works without this file. It shows another choice without loading a new page, and private rows to whoever gives the
// server's token. The token stays in one variable here: it is in no address, no cookie and no storage, and gone with the page.
"use strict";

(() => {
  const byId = (name) => document.getElementById(name);
  const form = byId("choice");
  let bearer = null;
  let running = null; // aborts the change in progress
  let asked = location.pathname + location.search; // the choice that is shown or being loaded

  function say(text) {
    const notice = byId("notice");
    notice.textContent = text;
    notice.hidden = !text;
  }

  // What is answered to the token must not be kept by the browser, and what it kept from before is not what is asked for.
  async function ask(address, accept, signal) {
    if (!bearer) return fetch(address, { signal, headers: { Accept: accept } });
    return fetch(address, { signal, cache: "no-store", headers: { Accept: accept, Authorization: `Bearer ${bearer}` } });
  }

  function refused() {
    setBearer(null);
    say("That is not the token of this server.");
  }

  // With the token the address stays as it is: what is searched for may be private, and addresses are kept in many places.
  async function show(address, { push = true, withForm = false } = {}) {
    running?.abort();
    const mine = (running = new AbortController());
    document.body.classList.add("is-busy");
    try {
      const answer = await ask(address, "text/html", mine.signal);
      if (mine.signal.aborted) return;
      if (answer.status === 401) {
        refused();
        return;
      }
      const next = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (mine.signal.aborted) return;
      const problem = next.querySelector("[data-problem]");
      if (problem || !answer.ok) {
        say(problem?.textContent || "The server did not answer. Try again in a moment.");
        return;
      }
      say("");
      if (push && !bearer) history.pushState(null, "", address);
      asked = address.pathname + address.search;
      swap(next, withForm);
    } catch (error) {
      if (!mine.signal.aborted) say(`This selection could not be shown: ${error.message}`);
    } finally {
      if (running === mine) document.body.classList.remove("is-busy");
    }
  }

  function swap(next, withForm) {
    const focused = document.activeElement;
    const wasInside = focused.closest("[data-part]");
    for (const part of document.querySelectorAll("[data-part]")) part.replaceWith(document.adoptNode(next.getElementById(part.id)));
    byId("sort").value = next.getElementById("sort").value;
    if (withForm) for (const name of ["q", "owner", "state", "visibility"]) byId(name).value = next.getElementById(name).value;
    // whoever works by keyboard goes on where they were, or at what has changed
    if (wasInside) (byId(focused.id) ?? byId("repositories")).focus({ preventScroll: true });
    byId("status").textContent = byId("repositories-title").textContent;
  }

  function choiceOfForm(submitter) {
    const given = new FormData(form);
    if (submitter?.name === "sort") given.set("sort", submitter.value);
    const query = new URLSearchParams([...given.entries()].filter(([name, value]) => value && !(name === "sort" && value === "-stars")));
    const address = new URL(location.pathname, location.href);
    address.search = query.toString();
    return address;
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show(choiceOfForm(event.submitter));
  });
  form.addEventListener("change", () => show(choiceOfForm()));
  document.addEventListener("click", (event) => {
    if (event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const page = event.target.closest?.("a[data-choice]");
    const file = bearer && event.target.closest?.("a[data-download]");
    if (!page && !file) return;
    event.preventDefault();
    if (page) show(new URL(page.href));
    else download(file.href);
  });
  addEventListener("popstate", () => {
    if (location.pathname + location.search === asked) return;
    show(new URL(location.href), { push: false, withForm: true });
  });

  // A link cannot bear the token, so the file is fetched, and handed to the browser from memory.
  async function download(address) {
    try {
      const answer = await ask(address, "text/csv");
      if (answer.status === 401) {
        refused();
        return;
      }
      if (!answer.ok) throw new Error("The server did not answer.");
      const named = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") ?? "");
      const file = URL.createObjectURL(await answer.blob());
      const link = document.createElement("a");
      link.href = file;
      link.download = named?.[1] ?? "repositories.csv";
      link.click();
      setTimeout(() => URL.revokeObjectURL(file), 60_000);
    } catch (error) {
      say(`The file could not be fetched: ${error.message}`);
    }
  }

  // Signing in

  const box = byId("private");

  function setBearer(token) {
    bearer = token;
    byId("sign-in").hidden = Boolean(bearer);
    byId("signed-in").hidden = !bearer;
  }

  if (box) {
    box.hidden = false;
    byId("sign-in").addEventListener("submit", async (event) => {
      event.preventDefault();
      setBearer(byId("bearer").value.trim());
      byId("bearer").value = "";
      await show(choiceOfForm(), { push: false });
      byId(bearer ? "sign-out" : "bearer").focus();
    });
    byId("sign-out").addEventListener("click", async () => {
      setBearer(null);
      await show(choiceOfForm(), { push: false });
      byId("bearer").focus();
    });
  }
})();
