"""Remote MCP tools: the session's servers, their tools, and the model's calls of them.

session.update ──► definitions ──► toolbox ──► ListTools ──► client ─ messages ─► a process of
the engine's call ──► remote_tools ──► CallTool ──────────────►    │              its own: __main__,
events, the engine's history ◄── remote_tools ◄── McpOutcome ◄─────┘              connection
"""
