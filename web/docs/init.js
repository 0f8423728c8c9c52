// Starts Swagger UI on this server's own OpenAPI document. Who is logged in to the
// dashboard can try requests out as they are: the browser sends the session's cookie, and
// the interceptor adds the token that the server wants beside it for every change.
"use strict";

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);
let csrfToken;

async function session() {
  const line = document.getElementById("session");
  try {
    const response = await fetch("/api/v1/auth/me", { headers: { Accept: "application/json" } });
    if (!response.ok) {
      line.textContent = "Not logged in: use Authorize with an API token, or log in to the dashboard first.";
      return;
    }
    const me = await response.json();
    csrfToken = me.csrf_token;
    line.textContent = `Logged in as ${me.user.username} (${me.user.role}): requests are sent with your session.`;
  } catch {
    line.textContent = "The server does not answer.";
  }
}

window.addEventListener("load", async () => {
  await session();
  window.SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#swagger",
    deepLinking: true,
    docExpansion: "none",
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    filter: true,
    // Neither a validator elsewhere nor tokens left behind in the browser.
    validatorUrl: null,
    persistAuthorization: false,
    requestInterceptor: (request) => {
      const url = new URL(request.url, window.location.href);
      const method = (request.method ?? "GET").toUpperCase();
      if (csrfToken && url.origin === window.location.origin && !SAFE.has(method)) {
        request.headers["X-CSRF-Token"] = csrfToken;
      }
      return request;
    },
  });
});
