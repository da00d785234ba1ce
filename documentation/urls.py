"""The documentation's addresses."""

from django.urls import URLPattern, path, re_path

from documentation import views

urlpatterns: list[URLPattern] = [
    path("docs", views.contents, name="docs"),
    path("docs/index.md", views.contents_in_markdown),
    path("docs/schema.graphql", views.graphql_schema, name="graphql_schema"),
    path("docs/connect", views.page, {"slug": "connect"}, name="docs_connect"),
    path("docs/<slug:slug>", views.page, name="docs_page"),
    re_path(r"^docs/[a-z-]+\.md\Z", views.page_in_markdown),
    path("llms.txt", views.llms, name="llms"),
    # Below the MCP server's own address, and where clients of earlier drafts look.
    path("mcp/server-card", views.server_card, name="server_card"),
    path(".well-known/mcp/server-card.json", views.server_card),
    path(".well-known/ai-catalog.json", views.ai_catalog),
    path(".well-known/api-catalog", views.api_catalog),
    path(".well-known/agent-skills/index.json", views.skills_index),
    re_path(r"^\.well-known/agent-skills/[a-z0-9-]+/SKILL\.md\Z", views.skill),
]
