from django.apps import AppConfig


class MCPGatewayConfig(AppConfig):
    name = "mcp_gateway"
