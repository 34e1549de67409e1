// Shows the spec of the server that the page came from, by Scalar's API
// reference. Whatever of it would ask another machine is off; the page's
// Content-Security-Policy would stop that too.
const base = new URL('.', window.location.href).href;

Scalar.createApiReference('#docs', {
  url: base + 'openapi.json',
  // Requests go to this server, whichever one the spec names for production.
  servers: [{ url: base.replace(/\/$/, ''), description: 'The server that this page came from.' }],

  withDefaultFonts: false,
  telemetry: false,
  agent: { disabled: true },
  mcp: { disabled: true },
  showDeveloperTools: 'never',
  hideClientButton: true,

  // Tokens are kept for as long as the page is open, and nowhere.
  persistAuth: false,
  authentication: { preferredSecurityScheme: 'bearer' },
  defaultHttpClient: { targetKey: 'shell', clientKey: 'curl' },
  documentDownloadType: 'direct',
  modelsSectionLabel: 'Schemas',
});
