"""The stdio edge: between any client and any server that speak MCP in JSON lines over pipes.

`lines.py` cuts bytes into lines, `labels.py` says what a line seems to be, `conversation.py` judges both directions
without touching a pipe; `child.py` is the server's process, `pipes.py` and `relay.py` move the bytes.
"""
