"""The documentation: pages for people, the same in Markdown, and what programs read that look around."""
