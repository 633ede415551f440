"""Lists and forms in: :mod:`app.kernel.exchange.imports.pipeline` is the way that each of them goes."""
