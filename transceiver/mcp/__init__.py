"""Remote MCP tools: the session's servers, their tools, and the model's calls of them.

session.update ──► definitions ──► toolbox ──► ListTools ──► client (a thread of its own)
the engine's call ──► remote_tools ──► CallTool ──────────────►      │
events, the engine's history ◄── remote_tools ◄── McpOutcome ◄───────┘
"""
