"""A laboratory of real proxies in network namespaces that records the captures under `samples/`."""
