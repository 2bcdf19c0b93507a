"""The thin MCP server that an agent starts: it passes everything on to the one coordinator."""
