// Shows the API of the server that this page came from, with Scalar's API reference.
// Everything in it that would contact another host is off; the page's
// Content-Security-Policy would stop that too.
const base = new URL('.', window.location.href).href;

// Development servers listen on loopback only.
const development = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(window.location.hostname);

// The names of icons that Scalar leaves without one.
const iconNames = [['a[href="https://nest-payments.dev"]', 'Website'], ['button[class*="copy-button"]', 'Copy']];

// Scalar's greys, greens and blues are too light on white for WCAG 2.1 AA. A webhook
// has no Test Request: only Stripe can sign one.
const style = `.light-mode { --scalar-color-2: #4d4d4d; --scalar-color-3: #616161; --scalar-color-green: #00663a;
  --scalar-color-blue: #005a9e; --scalar-color-yellow: #735600; --scalar-color-orange: #9a4a00; --scalar-color-red: #b3261e; }
.dark-mode { --scalar-color-3: #a6a6a6; --scalar-color-red: #ff9a8f; }
.sidebar-search-placeholder { color: var(--scalar-color-2) !important; }
[id*="/tag/webhook/"] .show-api-client-button { display: none; }`;

// withoutExamples removes the examples of parameters for this page only. Scalar sends
// them as they are: an example cursor would skip the newest items of a list, and an
// example id names nothing.
function withoutExamples(spec) {
  for (const parameter of Object.values(spec.components.parameters)) {
    delete parameter.example;
    delete parameter.schema?.example;
  }
  return spec;
}

// firstThingsFirst orders the document as a newcomer needs it, by tag and then by path:
// the JSON form has the paths in alphabetical order.
function firstThingsFirst(spec) {
  const paths = ['/user/register', '/user/login', ...Object.keys(spec.paths)];
  spec.paths = Object.fromEntries(paths.map((path) => [path, spec.paths[path]]));
  spec.tags.sort((a, b) => (b.name === 'User') - (a.name === 'User'));
  return spec;
}

// fillToken puts the token of a login into the authentication form, as a person would.
function fillToken(token) {
  const input = document.querySelector('input[placeholder="Token"]');
  if (!input) return;
  input.value = token;
  input.dispatchEvent(new Event('input', { bubbles: true }));
}

async function useToken(response, request) {
  if (response.status === 201 && /\/user\/(login|register|password)$/.test(new URL(request.url).pathname)) {
    fillToken((await response.json()).access_token);
  }
}

function nameIcons() {
  for (const [selector, name] of iconNames) {
    for (const icon of document.querySelectorAll(`${selector}:not([aria-label])`)) icon.setAttribute('aria-label', name);
  }
}

async function show() {
  const spec = await (await fetch(base + 'openapi.json')).json();
  Scalar.createApiReference('#docs', {
    content: firstThingsFirst(withoutExamples(spec)),
    // Requests go to this server, whichever one the spec names for production.
    servers: [{ url: base.replace(/\/$/, ''), description: 'The server that this page came from.' }],
    customCss: style,

    withDefaultFonts: false,
    telemetry: false,
    agent: { disabled: true },
    mcp: { disabled: true },
    showDeveloperTools: 'never',
    hideClientButton: true,

    // Tokens are kept while the page is open, and nowhere else.
    persistAuth: false,
    authentication: { preferredSecurityScheme: 'bearer' },
    onResponseReceived: ({ response, request }) => development && useToken(response, request),
    defaultHttpClient: { targetKey: 'shell', clientKey: 'curl' },
    documentDownloadType: 'none',
    modelsSectionLabel: 'Schemas',
  });
  new MutationObserver(nameIcons).observe(document.body, { childList: true, subtree: true });
}

show();
