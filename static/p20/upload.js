// Sends a form with a large file and shows how much has left. The answer is shown as if the browser had sent it.
// A form with data-resume is sent by the protocol tus, in parts: it survives lost connections, and can be paused.
(() => {
  "use strict";

  const show = (form, percent) => {
    const box = form.querySelector("[data-upload-progress]");
    box.hidden = false;
    box.querySelector("progress").value = percent;
    box.querySelector("[data-upload-percent]").textContent = `${percent} %`;
    const quarter = Math.floor(percent / 25) * 25;
    say(form, percent < 100 ? `${quarter} percent sent` : "All sent; the portal is sealing it.");
  };

  const say = (form, words) => {
    const said = form.querySelector("[data-upload-said]");
    if (said.textContent !== words) said.textContent = words;
  };

  const LOST = "The file did not arrive: the connection was lost. Nothing of it was kept; send it again.";
  const CUT = "The connection was lost. Choose the same file and send it again: it goes on from where it stopped.";
  const CUT_SEALED = "The connection was lost. Send the file again: it is encrypted anew and begins from the start.";
  const TOO_OLD =
    "This browser cannot encrypt the file: it is too old. Use a current one, or “p20 send”. Nothing was sent.";
  const PART = 16 * 1024 * 1024;

  // Only this page has the key of a file that it encrypts: leaving it loses what was sent, so the browser asks.
  const stay = (event) => event.preventDefault();
  const holdPage = (held) => window[held ? "addEventListener" : "removeEventListener"]("beforeunload", stay);

  const failed = (form, words) => {
    holdPage(false);
    form.querySelector("[data-upload-progress]").hidden = true;
    form.querySelectorAll("button[type=submit]").forEach((button) => (button.disabled = false));
    let note = form.querySelector("[data-upload-failed]");
    if (!note) {
      note = document.createElement("div");
      note.className = "usa-alert usa-alert--error usa-alert--slim";
      note.setAttribute("role", "alert");
      note.dataset.uploadFailed = "";
      form.prepend(note);
    }
    note.innerHTML = '<div class="usa-alert__body"><p class="usa-alert__text"></p></div>';
    note.querySelector("p").textContent = words;
  };

  // Whether a request is worth repeating: not when the portal says why it will not take the file.
  const isWorthRepeating = (error) => {
    const status = error.originalResponse ? error.originalResponse.getStatus() : 0;
    return status === 0 || status === 409 || status >= 500 && status !== 507;
  };

  // Lets tus read a file as it is sealed for the vault. Its key lives in this page alone: an upload that the page
  // did not finish cannot be taken up by another.
  const sealing = (form, attempt) => {
    const vault = p20seal.readKey(form.dataset.vault);
    const { slot } = form.dataset;
    return {
      storeFingerprintForResuming: false,
      fileReader: { openFile: async (file) => p20seal.source(file, { vault, slot, attempt }) },
    };
  };

  // Sends a file by tus. Until the portal has named the upload, "Pause" and "Stop" wait for the name: without it
  // the browser could neither continue nor take back what the portal began.
  const sendInParts = (form, file) => {
    let wish = "send";
    const sealed = form.dataset.vault ? sealing(form, () => upload.url.split("/").at(-2)) : null;
    const over = () => failed(form, "Stopped. Nothing of the file was kept.");
    const obey = () => {
      if (wish === "pause") upload.abort();
      if (wish === "stop") upload.abort(true).then(over, over);
    };
    const upload = new tus.Upload(file, {
      endpoint: form.dataset.resume,
      chunkSize: PART,
      retryDelays: [0, 1000, 3000, 5000, 10_000, 20_000, 30_000],
      metadata: { filename: file.name, ...(sealed && { wrapping: "sealed" }) },
      ...sealed,
      headers: { "X-CSRFToken": form.querySelector("[name=csrfmiddlewaretoken]").value },
      removeFingerprintOnSuccess: true,
      onShouldRetry: (error) => wish !== "stop" && isWorthRepeating(error),
      onUploadUrlAvailable: obey,
      onProgress: (sent, all) => show(form, all ? Math.floor((100 * sent) / all) : 100),
      onSuccess: () => {
        holdPage(false);
        location.reload();
      },
      onError: (error) => {
        const said = error.originalResponse ? error.originalResponse.getBody().trim() : "";
        if (wish === "stop") over();
        else failed(form, said && !said.startsWith("<") ? said : sealed ? CUT_SEALED : CUT);
      },
    });
    const pause = form.querySelector("[data-upload-pause]");
    pause.textContent = "Pause";
    pause.onclick = () => {
      wish = pause.textContent === "Pause" ? "pause" : "send";
      pause.textContent = wish === "pause" ? "Go on" : "Pause";
      say(form, wish === "pause" ? "Paused" : "Sending again");
      if (upload.url && wish === "pause") obey();
      else if (upload.url) upload.start();
    };
    form.querySelector("[data-upload-stop]").onclick = () => {
      wish = "stop";
      say(form, "Stopping");
      if (upload.url) obey();
    };
    if (sealed) {
      holdPage(true);
      p20seal.isSupported().then((can) => (can ? upload.start() : failed(form, TOO_OLD)));
      return;
    }
    upload.findPreviousUploads().then((earlier) => {
      if (earlier.length) upload.resumeFromPreviousUpload(earlier[0]);
      upload.start();
    });
  };

  const send = (event) => {
    const form = event.currentTarget;
    const files = [...form.querySelectorAll("input[type=file]")].flatMap((input) => [...input.files]);
    if (!files.length) return; // the server says that the file is missing
    event.preventDefault();
    form.querySelectorAll("button[type=submit]").forEach((button) => (button.disabled = true));
    form.querySelectorAll("[data-upload-failed]").forEach((note) => note.remove());
    if (form.dataset.vault && !(window.p20seal && window.tus && tus.isSupported)) {
      failed(form, TOO_OLD); // never in the clear instead
      return;
    }
    show(form, 0);
    if (form.dataset.resume && window.tus && tus.isSupported) {
      sendInParts(form, files[0]);
      return;
    }
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.upload.addEventListener("progress", (step) => {
      if (step.lengthComputable) show(form, Math.floor((100 * step.loaded) / step.total));
    });
    request.addEventListener("error", () => failed(form, LOST));
    request.addEventListener("load", () => {
      history.replaceState(null, "", request.responseURL);
      document.open();
      document.write(request.responseText);
      document.close();
    });
    request.send(new FormData(form));
  };

  document.querySelectorAll("form[data-upload]").forEach((form) => form.addEventListener("submit", send));
})();
