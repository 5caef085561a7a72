"""The JSON door for integrators: `/api/v1`, described by its own `openapi.json`."""
