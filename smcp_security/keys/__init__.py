"""What credentials are judged by: API keys, issuers' public keys, introspection. Files, threads and the network."""
